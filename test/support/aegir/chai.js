// @libp2p/interface-compliance-tests imports one file of aegir (its assertion library) but declares all of it,
// about a thousand packages of build tools. This package stands in its place with the same assertion plug-ins.
import chai from 'chai'
import chaiAsPromised from 'chai-as-promised'
import chaiBites from 'chai-bites'
import chaiParentheses from 'chai-parentheses'
import chaiString from 'chai-string'
import chaiSubset from 'chai-subset'

for (const plugin of [chaiAsPromised, chaiParentheses, chaiSubset, chaiBites, chaiString]) chai.use(plugin)

export const expect = chai.expect
export const assert = chai.assert
export { chai }
