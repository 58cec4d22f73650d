import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AllowedTargets } from '../../../../src/load/worker/allowed-targets.ts'

function judge(pattern: string, host: string, port = 80): string {
  return new AllowedTargets([pattern]).judge(host, port)
}

test.each([
  // A URL stands for its host and its port.
  ['http://shop.example.com', 'shop.example.com', 80, 'allowed'],
  ['http://shop.example.com', 'shop.example.com', 8080, 'refused'],
  ['http://shop.example.com/', 'SHOP.example.com', 80, 'allowed'],
  ['https://shop.example.com', 'shop.example.com', 443, 'allowed'],
  ['https://shop.example.com', 'shop.example.com', 80, 'refused'],
  ['wss://shop.example.com', 'shop.example.com', 443, 'allowed'],
  ['http://shop.example.com:8080', 'shop.example.com', 8080, 'allowed'],
  ['http://10.0.0.7:3000', '10.0.0.7', 3000, 'allowed'],
  ['http://[::1]:3000', '[::1]', 3000, 'allowed'],
  ['http://[::1]:3000', '0:0:0:0:0:0:0:1', 3000, 'allowed'],
  ['https://*.example.com', 'a.example.com', 443, 'allowed'],
  // A host without a port stands for all ports.
  ['shop.example.com', 'shop.example.com', 1, 'allowed'],
  ['shop.example.com', 'shop.example.com.', 65_535, 'allowed'],
  ['Shop.Example.com.', 'shop.example.com', 80, 'allowed'],
  ['bücher.example', 'xn--bcher-kva.example', 80, 'allowed'],
  ['shop.example.com', 'shop.example.com.evil.test', 80, 'refused'],
  ['shop.example.com', 'evil-shop.example.com', 80, 'refused'],
  ['shop.example.com', 'example.com', 80, 'refused'],
  ['shop.example.com', '10.0.0.1', 80, 'refused'],
  ['shop.example.com:3000', 'shop.example.com', 3000, 'allowed'],
  ['shop.example.com:3000', 'shop.example.com', 3001, 'refused'],
  ['shop.example.com:3000-3005', 'shop.example.com', 3005, 'allowed'],
  ['shop.example.com:3000-3005', 'shop.example.com', 3006, 'refused'],
  // All hosts below a name, and not the name itself.
  ['*.example.com', 'a.example.com', 80, 'allowed'],
  ['*.example.com', 'a.b.example.com', 80, 'allowed'],
  ['*.example.com', 'example.com', 80, 'refused'],
  ['*.example.com', 'evilexample.com', 80, 'refused'],
  ['*:8080', 'anything', 8080, 'allowed'],
  ['*:8080', '10.0.0.1', 8080, 'allowed'],
  ['*:8080', '10.0.0.1', 8081, 'refused'],
  // Addresses by value.
  ['10.0.0.7', '10.0.0.7', 80, 'allowed'],
  ['10.0.0.7', '10.0.0.70', 80, 'refused'],
  ['10.0.0.0/8', '10.255.1.2', 80, 'allowed'],
  ['10.1.2.3/8', '10.255.1.2', 80, 'allowed'],
  ['10.0.0.0/8', '11.0.0.1', 80, 'refused'],
  ['10.0.0.0/8', '::ffff:10.1.1.1', 80, 'allowed'],
  ['10.0.0.0/8', '[::ffff:a01:101]', 80, 'allowed'],
  ['10.0.0.0/8', '::ffff:11.1.1.1', 80, 'refused'],
  ['10.0.0.0/8:8080', '10.1.1.1', 8080, 'allowed'],
  ['10.0.0.0/8:8080', '10.1.1.1', 80, 'refused'],
  ['0.0.0.0/0', '8.8.8.8', 80, 'allowed'],
  ['10.0.0.7/32', '10.0.0.7', 80, 'allowed'],
  ['::1', '::1', 80, 'allowed'],
  ['[::1]:3000', '::1', 3000, 'allowed'],
  ['[::1]:3000', '::1', 3001, 'refused'],
  ['fd00::/8', 'fd12::1', 80, 'allowed'],
  ['[fd00::/8]', 'fd12::1', 80, undefined],
  ['[fd00::]/8', 'fd12::1', 80, 'allowed'],
  ['[fd00::]/8:443', 'fd12::1', 443, 'allowed'],
  ['fd00::/8', 'fe80::1%eth0', 80, 'refused'],
  ['fe80::/10', 'fe80::1%eth0', 80, 'allowed'],
  // A name is no address before it is looked up, however much it looks like one.
  ['127.0.0.1', 'localhost', 80, 'by-address'],
  ['127.0.0.1:3000', 'localhost', 80, 'refused'],
  ['127.0.0.0/8', '0x7f.1', 80, 'by-address'],
  ['10.0.0.0/8', 'shop.example.com', 80, 'by-address'],
])('--allow %s: %s port %i is %s', (pattern, host, port, expected) => {
  if (expected === undefined) expect(() => new AllowedTargets([pattern])).toThrow(TypeError)
  else expect(judge(pattern, host, port)).toBe(expected)
})

test('several patterns allow what one of them allows', () => {
  const allowed = new AllowedTargets(['10.0.0.0/8:80', 'shop.example.com:443'])
  expect(allowed.judge('10.1.1.1', 80)).toBe('allowed')
  expect(allowed.judge('10.1.1.1', 443)).toBe('refused')
  expect(allowed.judge('shop.example.com', 443)).toBe('allowed')
  expect(allowed.judge('shop.example.com', 80)).toBe('by-address')
  expect(new AllowedTargets([]).judge('127.0.0.1', 80)).toBe('refused')
})

test('a range holds exactly the addresses with its leading bits', () => {
  const address = fc.nat(0xffffffff)
  const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 32 }), address, fc.nat(32), (range, bits, other, near) => {
      const candidate = near === 32 ? other : (range ^ (1 << near)) >>> 0
      const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0
      const expected = (range & mask) >>> 0 === (candidate & mask) >>> 0
      expect(judge(`${text(range)}/${bits}`, text(candidate))).toBe(expected ? 'allowed' : 'refused')
    }),
  )
})

test('a host is allowed only by itself: no text of it is a pattern by accident', () => {
  const host = fc.domain()
  fc.assert(
    fc.property(host, host, (one, other) => {
      fc.pre(one !== other)
      expect(judge(one, one)).toBe('allowed')
      expect(judge(one, other)).toBe('refused')
      expect(judge(`*.${one}`, `${other}.${one}`)).toBe('allowed')
      expect(judge(`*.${one}`, `${other}${one}`)).toBe('refused')
    }),
  )
})

describe('what cannot be read', () => {
  test.each([
    ['', 'is empty'],
    ['http://', 'is no URL'],
    ['ftp://a', 'has the protocol ftp://'],
    ['http://a/orders', 'has a path'],
    ['http://a/?x', 'has a path'],
    ['a/orders', 'has a path'],
    ['http://10.0.0.0/8', 'has a path'],
    ['http://me:secret@a', 'has a name or a password'],
    ['a:0', 'has a port'],
    ['a:65536', 'has a port'],
    ['a:90-80', 'ends before it begins'],
    ['a:http', 'is no target'],
    ['a.example/8', 'which is no address'],
    ['*/8', 'which is no address'],
    ['10.0.0.0/33', 'has more than 32 bits'],
    ['::/129', 'has more than 128 bits'],
    ['a.*.example.com', "has a '*' that is not its first label"],
    ['*example.com', "has a '*' that is not its first label"],
    ['127.1', 'is no host'],
    ['a b', 'is no host'],
    ['a@b', 'is no host'],
  ])('--allow %j %s', (pattern, problem) => {
    expect(() => new AllowedTargets([pattern])).toThrow(problem)
  })

  test('is told all at once, with the forms that can be', () => {
    const broken = () => new AllowedTargets(['a:0', 'ok.example', 'ftp://b'])
    expect(broken).toThrow(/'a:0' has a port[^\n]*Expected a URL[^\n]*10\.0\.0\.0\/8[^\n]*\n--allow 'ftp:\/\/b'/)
  })

  test('never throws anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a1.:/*[]-@%é '.split('')) }), (pattern) => {
        try {
          new AllowedTargets([pattern]).judge('a.b', 1)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          expect((error as Error).message).toMatch(/^--allow /)
        }
      }),
    )
  })
})

test('a refusal names the target, what is allowed, and the option that would allow it', () => {
  const allowed = new AllowedTargets(['10.0.0.0/8', 'a.test:80'])
  expect(allowed.refusal('::1', 3000)).toBe(
    'This worker does not load [::1]:3000: it was started with --allow 10.0.0.0/8 --allow a.test:80. Add --allow [::1]:3000 if it should.',
  )
})
