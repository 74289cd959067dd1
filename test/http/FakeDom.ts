/** As much of a browser's document as the script of the status page uses. It has nothing that parses HTML. */
export class FakeNode {
  readonly nodeType: 1 | 3
  readonly localName: string
  nodeValue: string | null
  parentNode: FakeNode | null = null
  hidden = false
  childNodes: Array<FakeNode> = []
  readonly attributes = new Map<string, string>()

  constructor(nodeType: 1 | 3, name: string) {
    this.nodeType = nodeType
    this.localName = nodeType === 1 ? name : ""
    this.nodeValue = nodeType === 3 ? name : null
  }
  getAttributeNames() {
    return [...this.attributes.keys()]
  }
  getAttribute(name: string) {
    return this.attributes.get(name) ?? null
  }
  setAttribute(name: string, value: string) {
    this.attributes.set(name, value)
  }
  removeAttribute(name: string) {
    this.attributes.delete(name)
  }
  appendChild(node: FakeNode) {
    node.parentNode = this
    this.childNodes.push(node)
  }
  removeChild(node: FakeNode) {
    this.childNodes = this.childNodes.filter((child) => child !== node)
  }
  replaceChild(node: FakeNode, old: FakeNode) {
    node.parentNode = this
    this.childNodes = this.childNodes.map((child) => child === old ? node : child)
  }
}
