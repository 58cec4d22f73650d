import type { ProjectFacts } from './init-plan.ts'

/** How the server of a project is started and asked, as far as its files tell. */
export interface FoundServer {
  readonly command: string
  /** The `health` option as code; `undefined` where `GET /health` is there. */
  readonly health?: string | undefined
  /** A route to ask with GET. */
  readonly route: string
  /** What has to be done before the server can be started. */
  readonly problems: readonly string[]
}

/** A port that accepts is enough where no health route was seen. */
const TCP = '{ tcp: true }'

/** Finds out how the server of a project is started. Pure. */
export function findServer({ manifest, entry }: ProjectFacts): FoundServer {
  const { scripts = {} } = manifest
  // A built page: an entry beside it is for browsers.
  if (scripts['start'] === undefined && /\bvite\b/.test(scripts['preview'] ?? '')) {
    const command = 'npx vite preview --port {port} --host {host} --strictPort'
    return { command, health: "{ path: '/' }", route: '/', problems: ['build it: npx vite build'] }
  }
  const route = entry && firstRoute(entry.text)
  const hasHealth = entry !== undefined && /['"`]\/health['"`]/.test(entry.text)
  return {
    command: commandOf(manifest, entry?.path),
    health: hasHealth ? undefined : TCP,
    route: route ?? '/',
    problems: [
      ...portProblems(entry, scripts['start']),
      ...(route === undefined ? ['set the path in the spec to a route of yours'] : []),
    ],
  }
}

function commandOf(manifest: ProjectFacts['manifest'], entry: string | undefined): string {
  const start = manifest.scripts?.['start']
  if (start !== undefined) return /^node\s/.test(start) ? start : 'npm start'
  const known = { ...manifest.dependencies, ...manifest.devDependencies }
  if (entry !== undefined && /\.[cm]?ts$/.test(entry) && known['tsx'] !== undefined) return `npx tsx ${entry}`
  return `node ${entry ?? manifest.main ?? 'server.js'}`
}

/** The first route with GET that needs no parameter, as Express, Fastify, Koa's router and Hono write it. */
function firstRoute(text: string): string | undefined {
  const routes = [...text.matchAll(/\.get\(\s*(['"`])(\/[^'"`:*{}$]*)\1\s*,/g)].map(([, , path]) => path)
  return routes.find((path) => path !== '/health')
}

function portProblems(entry: ProjectFacts['entry'], start = ''): string[] {
  if (/\bnext start\b/.test(start)) return []
  if (entry === undefined) return ['check that your server listens on the port in the variable PORT']
  const listens = /\blisten\(|\bserve\(|\bport\b/i.test(entry.text)
  if (!listens || /\benv\b[^\n]*\bPORT\b|\bPORT\b[^\n]*\benv\b/.test(entry.text)) return []
  const fixed = /\blisten\(\s*(\d+)|\bport\b\W+(\d+)/i.exec(entry.text)
  const port = fixed?.[1] ?? fixed?.[2] ?? 3000
  return [`have ${entry.path} listen on \`process.env.PORT ?? ${port}\`: each test's server gets a port of its own`]
}
