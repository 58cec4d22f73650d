import { createPool } from 'mysql2/promise'
import { serve } from './serve.mjs'

const pool = createPool({ socketPath: process.env.MARIADB_SOCKET, user: 'root', connectionLimit: 20 })
await pool.query('CREATE DATABASE IF NOT EXISTS slow')
await pool.query('CREATE TABLE IF NOT EXISTS slow.items (id INT PRIMARY KEY, name VARCHAR(40))')
await pool.query('REPLACE INTO slow.items VALUES (1, "a"), (2, "b"), (3, "c")')

async function itemOf(id) {
  const [rows] = await pool.query(`SELECT id, name FROM slow.items WHERE id = ${id}`)
  return rows[0]
}

serve(async () => {
  const items = []
  for (let id = 0; id < 41; id += 1) items.push(await itemOf(id % 3))
  return items
})
