export default (_request, response) => response.end('listener')
