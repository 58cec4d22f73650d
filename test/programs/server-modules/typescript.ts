import type { IncomingMessage, ServerResponse } from 'node:http'
export default (_request: IncomingMessage, response: ServerResponse): void => void response.end('typescript')
