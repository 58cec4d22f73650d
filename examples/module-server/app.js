// Any of these can be the default export: a request listener, an `http.Server`, `{ fetch }`, or a function that starts one.
export default function listener(request, response) {
  if (request.url === '/health') return response.end('ok')
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ path: request.url }))
}
