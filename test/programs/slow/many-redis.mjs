import Redis from 'ioredis'
import { serve } from './serve.mjs'

const redis = new Redis(Number(process.env.REDIS_PORT), '127.0.0.1')
for (let id = 1; id <= 60; id += 1) await redis.set(`user:${id}`, 'x'.repeat(100))

async function loadUsers() {
  const users = []
  for (let id = 1; id <= 60; id += 1) users.push(await redis.get(`user:${id}`))
  return users.length
}

serve(async () => ({ users: await loadUsers() }))
