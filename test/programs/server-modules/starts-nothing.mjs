// Meant as a handler, but a function with fewer than two parameters is one that starts a server.
export default () => {}
