import { createPool } from 'mysql2/promise'
import { serve } from './serve.mjs'

const pool = createPool({ socketPath: process.env.MARIADB_SOCKET, user: 'root', connectionLimit: 1 })

serve(async () => {
  const [rows] = await pool.query('SELECT SLEEP(0.01) AS slept')
  return rows
})
