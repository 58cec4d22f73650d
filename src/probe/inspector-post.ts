import type { Session } from 'node:inspector'

/** Asks the inspector of this isolate. (`node:inspector/promises` is experimental on Node 20 and warns.) */
export function post(session: Session, method: string, parameters: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, answer) => (error ? reject(error) : resolve(answer)))
  })
}
