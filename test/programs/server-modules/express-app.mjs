import express from 'express'
const app = express()
app.get('/{*any}', (_request, response) => response.send('express-app'))
export default app
