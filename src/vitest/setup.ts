// First: what they take must be the machine's own, before a test or another setup file fakes it.
import '../lifecycle/real-timers.ts'
import '../lifecycle/real-kill.ts'
import './matchers.ts'
import { renewTest } from './fixtures.ts'
import { bundleThrough } from './scenario-bundles.ts'

// This file goes through Vite, as the modules it imports do not: here `import` asks Vitest's main process.
bundleThrough((id) => import(/* @vite-ignore */ id))

const test = renewTest()
const globals = globalThis as { test?: unknown; it?: unknown }
// Vitest has put its own there by now, if the config asks for globals.
if (globals.test !== undefined && globals.it !== undefined) Object.assign(globals, { test, it: test })
