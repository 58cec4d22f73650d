/**
 * The watchdog as a POSIX shell script (dash, ash, bash; no tool is needed that a container may lack, `grep` and `sleep`
 * are used where they exist).
 *
 * It reads orders from its standard input: `+ <cookie> <group>` guards a process group, `- <cookie>` releases it. When its
 * input ends, whoever held the other end is gone, and it ends every group it still guards, and then every process whose
 * environment carries one of their cookies. SIGTERM first; SIGKILL for what is left after 0.4 s.
 *
 * `$1` is the pid of the process to watch and `$2` the parent that it must keep, both empty where that does not matter:
 * a forked worker of Vitest outlives its killed main process, and then holds its end of the pipe open for ever.
 */
export const WATCHDOG_SCRIPT = `
trap '' INT HUP TERM QUIT PIPE
groups=''
cookies=''

members() {
  [ -n "$cookies" ] || return 0
  for cookie in $cookies; do
    grep -lsF "VITEST_PERF_COOKIE=$cookie" /proc/[0-9]*/environ
  done 2>/dev/null | while read -r file; do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    [ "$pid" = 1 ] || echo "$pid"
  done
}

signal_all() {
  for entry in $groups; do kill -"$1" -"\${entry#*:}"; done
  for pid in $(members); do kill -"$1" "$pid"; done
} 2>/dev/null

any_group() {
  for entry in $groups; do kill -0 -"\${entry#*:}" 2>/dev/null && return 0; done
  return 1
}

finish() {
  [ -n "$cookies" ] || return 0
  signal_all TERM
  signal_all CONT
  for turn in 1 2 3 4; do
    any_group || break
    sleep 0.1 2>/dev/null || break
  done
  for turn in 1 2 3 4 5 6 7 8; do
    signal_all KILL
    [ -n "$(members)" ] || break
    sleep 0.05 2>/dev/null
  done
}

without() {
  rest=''
  for item in $2; do
    case $item in "$1" | "$1":*) ;; *) rest="$rest $item" ;; esac
  done
  echo "$rest"
}

obey() {
  while read -r order cookie group; do
    case $order in
      +) groups="$groups $cookie:$group"; cookies="$(without "$cookie" "$cookies") $cookie" ;;
      c) cookies="$(without "$cookie" "$cookies") $cookie" ;;
      -) groups=$(without "$cookie" "$groups"); cookies=$(without "$cookie" "$cookies") ;;
      end) break ;;
    esac
    [ -n "\${cookies# }" ] || cookies=''
  done
  finish
}

# Sets $parent; a substitution would cost a process at every look.
look_up_parent() {
  parent=''
  if [ -r /proc/self/stat ]; then
    read -r stat <"/proc/$1/stat" || return 1
    set -- \${stat##*) }
    parent=$2
  else
    parent=$(ps -o ppid= -p "$1" | tr -d ' ')
  fi
} 2>/dev/null

if [ -n "$1" ]; then
  {
    exec 3<&0
    ( while look_up_parent "$1" && [ "$parent" = "$2" ]; do sleep 1 || exit; done; echo end ) </dev/null 3<&- &
    while read -r line <&3; do echo "$line"; done
    echo end
  } | { obey; kill -KILL 0; }
else
  obey
fi
`
