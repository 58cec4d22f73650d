// Plain autocannon in a process of its own, kept warm between rounds as our load process is.
import autocannon from 'autocannon'

process.on('message', async ({ url, connections, seconds }) => {
  const before = process.cpuUsage()
  const { requests, duration } = await autocannon({ url, connections, duration: seconds })
  const { user, system } = process.cpuUsage(before)
  process.send({ rate: requests.total / duration, cpu: (user + system) / 1_000 / requests.total })
})
process.on('disconnect', () => process.exit())
