export default {
  async fetch(request) {
    const url = new URL(request.url)
    if (url.pathname === '/echo')
      return new Response(await request.text(), { status: 201, headers: { 'x-method': request.method } })
    if (url.pathname === '/throw') throw new Error('the handler threw')
    const headers = new Headers({ 'content-type': 'text/plain' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    return new Response('fetch', { headers })
  },
}
