import WireProtocol

extension RequestParser {
  /// Gives the parser `bytes` as a socket would, `step` bytes at a time, and collects what comes out.
  mutating func feed(_ bytes: some Collection<UInt8>, step: Int = .max) throws(WireError) -> [Numbered] {
    var out: [Numbered] = []
    try deliver(bytes, step: step) { buffer in
      fill { buffer($0) }
    } each: { () throws(WireError) in
      while let next = try next() { out.append(next) }
    }
    return out
  }
}

extension ReplyParser {
  /// As for requests.
  mutating func feed(_ bytes: some Collection<UInt8>, step: Int = .max) throws(WireError) -> [Numbered] {
    var out: [Numbered] = []
    try deliver(bytes, step: step) { buffer in
      fill { buffer($0) }
    } each: { () throws(WireError) in
      while let next = try next() { out.append(next) }
    }
    return out
  }
}

private func deliver(
  _ bytes: some Collection<UInt8>, step: Int,
  into fill: ((UnsafeMutableRawBufferPointer) -> Int) -> Int, each: () throws(WireError) -> Void
) throws(WireError) {
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    let count = fill { buffer in
      let part = rest.prefix(min(step, buffer.count))
      buffer.copyBytes(from: part)
      return part.count
    }
    rest = rest.dropFirst(count)
    try each()
  }
}
