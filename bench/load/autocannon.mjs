// Plain autocannon in a process of its own, kept warm between rounds as our load process is.
import autocannon from 'autocannon'

process.on('message', async ({ url, connections, seconds }) => {
  const result = await autocannon({ url, connections, duration: seconds })
  process.send(result.requests.total / result.duration)
})
process.on('disconnect', () => process.exit())
