import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const here = (name) => new URL(name, import.meta.url).pathname

export function isInstalled(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

export async function startNodeServer() {
  const child = fork(here('node-server.mjs'))
  const [port] = await once(child, 'message')
  return { name: 'Node', url: `http://127.0.0.1:${port}/`, stop: () => child.kill() }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** nginx as Debian installs it, with one worker and a constant answer; on one core of the machine, if `core` is given. */
export async function startNginx({ core } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'perf-bench-'))
  const port = await freePort()
  const config = `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { return 200 'hello world'; } } }`
  await writeFile(join(folder, 'nginx.conf'), config)
  const command = ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')]
  const [file, ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const url = `http://127.0.0.1:${port}/`
  for (let attempt = 0; ; attempt += 1) {
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (answered) break
    if (attempt > 100) throw new Error('nginx did not start')
    await delay(50)
  }
  const stop = async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  return { name: 'nginx', url, stop }
}
