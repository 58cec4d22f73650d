import { describe, expect, it } from 'vitest'
import { callTree, cpuTimes, heaviestStack, type CpuProfile } from '../../../src/probe/cpu-samples.ts'

interface Tree {
  name: string
  url?: string
  children?: Tree[]
}

/** A profile with a sample each millisecond, by the names of the innermost functions. */
function profileOf(tree: Tree, samples: string[]): CpuProfile {
  const nodes: CpuProfile['nodes'][number][] = []
  const ids = new Map<string, number>()
  const add = ({ name, url = '', children = [] }: Tree): number => {
    const id = nodes.length + 1
    ids.set(name, id)
    const callFrame = {
      functionName: name.split('#')[0] ?? '',
      scriptId: url === '' ? '0' : url,
      url,
      lineNumber: id,
      columnNumber: 0,
    }
    const node = { id, callFrame, children: [] as number[] }
    nodes.push(node)
    node.children.push(...children.map(add))
    return id
  }
  add(tree)
  return {
    nodes,
    startTime: 0,
    endTime: samples.length * 1_000,
    samples: samples.map((name) => ids.get(name) ?? 0),
    timeDeltas: samples.map((_, index) => (index === 0 ? 0 : 1_000)),
  }
}

const root = (...children: Tree[]): Tree => ({
  name: '(root)',
  children: [{ name: '(idle)' }, { name: '(program)' }, { name: '(garbage collector)' }, ...children],
})
const own = (name: string, ...children: Tree[]): Tree => ({ name, url: 'file:///app/server.js', children })
const dependency = (name: string, ...children: Tree[]): Tree => ({
  name,
  url: 'file:///app/node_modules/x/index.js',
  children,
})
const node = (name: string, module: string, ...children: Tree[]): Tree => ({ name, url: `node:${module}`, children })
const named = (times: ReturnType<typeof cpuTimes>, name: string) =>
  times.functions.find(({ frame }) => frame.functionName === name)

describe('cpuTimes', () => {
  it('tells code, idle time and collections apart', () => {
    const profile = profileOf(root(own('work')), ['work', '(idle)', '(idle)', '(program)', '(garbage collector)'])
    expect(cpuTimes(profile)).toMatchObject({ user: 2_000, idle: 2_000, gc: 1_000 })
  })

  it('counts a function that calls itself once in its total', () => {
    const inner = { name: 'again', url: 'file:///app/server.js' }
    const profile = profileOf(root(own('again#1', own('other', inner))), ['again#1', 'other', 'again'])
    expect(cpuTimes(profile).functions.map(({ total }) => total)).toEqual([3_000, 2_000, 1_000])
  })

  it('has a function answer for the dependencies and modules that it called, and names the one that took most', () => {
    const tree = root(own('load', node('readFileSync', 'fs', { name: 'open' }), dependency('parse')))
    const load = named(cpuTimes(profileOf(tree, ['load', 'open', 'readFileSync', 'open', 'parse'])), 'load')
    expect(load).toMatchObject({ self: 1_000, total: 5_000, attributed: 5_000 })
    expect([...(load?.callees ?? [])].map(([{ functionName }, spent]) => [functionName, spent])).toEqual([
      ['readFileSync', 3_000],
      ['parse', 1_000],
    ])
  })

  it('has no function answer for the transport of its answer, but for the callback that this runs', () => {
    const tree = root(
      own('handle', dependency('send', node('end', '_http_outgoing', { name: 'writev' }, own('onFinish')))),
    )
    const times = cpuTimes(profileOf(tree, ['writev', 'end', 'send', 'onFinish']))
    expect(named(times, 'handle')).toMatchObject({ attributed: 1_000, total: 4_000 })
    expect(named(times, 'onFinish')).toMatchObject({ attributed: 1_000 })
  })

  it('has a dependency answer for what a framework called without any code of the project between', () => {
    const other = { name: 'next', url: 'file:///app/node_modules/framework/index.js' }
    const regexp = { name: 'RegExp: ^(a+)+$' }
    const slow = { name: 'validate', url: 'file:///app/node_modules/slow/index.js', children: [regexp] }
    const tree = root(
      node('onRequest', '_http_server', { ...other, children: [slow, own('handle', dependency('send'))] }),
    )
    const samples = [...Array<string>(8).fill('RegExp: ^(a+)+$'), 'validate', 'next', 'send', 'onRequest']
    const { unowned } = cpuTimes(profileOf(tree, samples))
    expect(unowned).toMatchObject({ frame: { functionName: 'validate' }, unowned: 9_000 })
  })

  it('counts a collection for the function of the project that ran before it', () => {
    const tree = root(own('build', node('push', 'internal/x')), own('other'))
    const times = cpuTimes(profileOf(tree, ['other', 'push', '(garbage collector)', '(garbage collector)']))
    expect(named(times, 'build')?.garbage).toBe(2_000)
    expect(named(times, 'other')?.garbage).toBe(0)
  })
})

describe('callTree', () => {
  it('has the time of each call with those below it, without narrow branches and idle time', () => {
    const tree = root(own('handle', own('parse', node('read', 'fs')), own('rare')))
    const samples = [...Array<string>(60).fill('read'), ...Array<string>(39).fill('handle'), 'rare', '(idle)']
    expect(callTree(profileOf(tree, samples), 0.02)).toMatchObject([
      {
        frame: { functionName: 'handle' },
        code: 'own',
        time: 100_000,
        children: [
          {
            frame: { functionName: 'parse' },
            time: 60_000,
            children: [{ frame: { functionName: 'read' }, code: 'node', time: 60_000, children: [] }],
          },
        ],
      },
    ])
  })
})

describe('heaviestStack', () => {
  const tree = root(own('handle', own('parse')), own('tick'))

  it('is what ran most of the time between two moments, from the innermost frame outwards', () => {
    const profile = profileOf(tree, ['tick', 'tick', 'tick', 'tick', 'parse', 'parse', 'tick'])
    expect(heaviestStack(profile, 4_000, 7_000).map(({ functionName }) => functionName)).toEqual(['parse', 'handle'])
  })

  it('is empty where collections took more', () => {
    const profile = profileOf(tree, ['parse', '(garbage collector)', '(garbage collector)'])
    expect(heaviestStack(profile, 0, 3_000)).toEqual([])
  })
})
