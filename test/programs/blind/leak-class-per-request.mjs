// a model class is generated per request and kept in a registry (multi-tenant ODM)
import { serve } from './serve.mjs'
class Model {
  save() {
    return this.id
  }
}
const models = []
let n = 0
function defineModel(name) {
  const Tenant = class extends Model {
    // LEAK
    static collection = name
    get id() {
      return name
    }
    toJSON() {
      return { name, collection: Tenant.collection }
    }
  }
  models.push(Tenant)
  return Tenant
}
serve((req, res) => res.end(JSON.stringify(new (defineModel(`tenant${++n}`))())))
