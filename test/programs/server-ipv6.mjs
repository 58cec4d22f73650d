// Binds ::1 alone.
import { createServer } from 'node:http'
createServer((_request, response) => response.end('six')).listen(Number(process.env.PORT), '::1')
