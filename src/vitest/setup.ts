// First: what it takes must be the real timers, before a test or another setup file fakes them.
import '../lifecycle/real-timers.ts'
import './matchers.ts'
import { renewTest } from './fixtures.ts'
import { bundleThrough } from './scenario-bundles.ts'

// This file goes through Vite, as the modules it imports do not: here `import` asks Vitest's main process.
bundleThrough((id) => import(/* @vite-ignore */ id))

const test = renewTest()
const globals = globalThis as { test?: unknown; it?: unknown }
// Vitest has put its own there by now, if the config asks for globals.
if (globals.test !== undefined && globals.it !== undefined) Object.assign(globals, { test, it: test })
