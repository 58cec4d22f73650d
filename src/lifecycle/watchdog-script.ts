/**
 * The watchdog as a POSIX shell script (dash, ash, bash; no tool is needed that a container may lack, `grep` and `sleep`
 * are used where they exist).
 *
 * It reads orders from its standard input: `cookie <cookie>` begins a guard, `group <cookie> <pgid>` and `file <cookie> <path>`
 * add to it, `release <cookie>` ends it. When its input ends, whoever held the other end is gone: it ends every group it
 * still guards, and every process whose environment carries one of their cookies, and removes their files,
 * and folders that are empty then. SIGTERM first; SIGKILL for what is left after 0.3 s.
 *
 * `$1` is the pid of the process to watch and `$2` the parent that it must keep, both empty where that does not matter:
 * a forked worker of Vitest outlives its killed main process, and then holds its end of the pipe open for ever. Such an
 * orphan has nobody left to report to, and is killed too.
 *
 * With `$1` it is a shell and three subshells. If the shell alone is killed, its holder starts a successor and closes the old
 * pipe: the subshells that are left end then, and kill nothing.
 */
export const WATCHDOG_SCRIPT = `
trap '' INT HUP TERM QUIT PIPE
set -f
worker=$1
parent_kept=$2
groups=''
cookies=''
files=''
newline='
'

# The processes that carry a cookie. One search for all: on a busy machine it is what takes the time.
members() {
  [ -n "$cookies" ] || return 0
  patterns=''
  for cookie in $cookies; do patterns="$patterns -e VITEST_PERF_COOKIE=$cookie"; done
  set +f
  for file in $(grep -lsF $patterns /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    [ "$pid" = 1 ] || echo "$pid"
  done
} 2>/dev/null

signal_groups() {
  for entry in $groups; do kill -"$1" -"\${entry#*:}"; done
} 2>/dev/null

signal_all() {
  name=$1
  shift
  for pid in "$@"; do kill -"$name" "$pid"; done
} 2>/dev/null

any_group() {
  for entry in $groups; do kill -0 -"\${entry#*:}" 2>/dev/null && return 0; done
  return 1
}

finish() {
  [ -n "$cookies" ] || return 0
  signal_groups TERM
  signal_groups CONT
  found=$(members)
  signal_all TERM $found
  signal_all CONT $found
  for turn in 1 2 3; do
    any_group || break
    sleep 0.1 2>/dev/null || break
  done
  for turn in 1 2 3 4 5 6 7 8; do
    signal_groups KILL
    signal_all KILL $found
    found=$(members)
    [ -n "$found" ] || break
  done
  IFS=$newline
  for entry in $files; do rm -f "\${entry#*:}" || rmdir "\${entry#*:}"; done
} 2>/dev/null

# The entries of $2, parted by $3, that are not of the cookie $1.
without() {
  rest=''
  before=$IFS
  IFS=$3
  for item in $2; do
    case $item in "$1" | "$1":*) ;; *) rest="$rest$item$3" ;; esac
  done
  IFS=$before
}

# Sets $parent, of a process that is neither ending (flag 4 of field 9) nor over. A substitution would cost a process at every look.
look_up_parent() {
  parent=''
  if [ -r /proc/self/stat ]; then
    read -r stat <"/proc/$1/stat" || return 1
    set -- \${stat##*) }
    case $1 in Z | X) return 1 ;; esac
    [ $(($7 & 4)) = 0 ] || return 1
    parent=$2
  else
    set -- $(ps -o stat= -o ppid= -p "$1")
    case $1 in '' | Z*) return 1 ;; esac
    parent=$2
  fi
} 2>/dev/null

# Whether this is what is left of a killed watchdog, whose worker has another one by now.
is_replaced() {
  [ -n "$worker" ] && ! kill -0 $$ && look_up_parent "$worker" && [ "$parent" = "$parent_kept" ]
} 2>/dev/null

obey() {
  while read -r order cookie value; do
    case $order in
      cookie) cookies="$cookies$cookie " ;;
      group) groups="$groups$cookie:$value " ;;
      file) files="$files$cookie:$value$newline" ;;
      release)
        without "$cookie" "$cookies" ' '; cookies=$rest
        without "$cookie" "$groups" ' '; groups=$rest
        without "$cookie" "$files" "$newline"; files=$rest
        ;;
      end) break ;;
    esac
  done
  is_replaced || finish
}

if [ -n "$worker" ]; then
  {
    exec 3<&0
    ( while look_up_parent "$worker" && [ "$parent" = "$parent_kept" ]; do sleep 1 || exit; done
      look_up_parent "$worker" && kill -KILL "$worker"
      echo end ) </dev/null 3<&- &
    # Where the half that obeys was killed, this one ends at the next order, so that the holder hears of it.
    while read -r line <&3; do printf '%s\\n' "$line" || exit; done 2>/dev/null
    echo end
  } | { obey; kill -KILL 0; }
else
  obey
fi
`
