// Accepts connections and never answers.
import { createServer } from 'node:net'
createServer(() => {}).listen(Number(process.env.PORT), process.env.HOST)
