// As TypeScript and others compile `export default` to CommonJS.
Object.defineProperty(exports, '__esModule', { value: true })
exports.default = (request, response) => response.end('compiled')
