import DatasetModel
import LinuxSystem
import Synchronization

/// Shards that lie in a user's directory and are read where they are. They are opened and checked, and nothing else.
final class LocalShards: Sendable {
  private struct Known: Sendable {
    weak var files: ShardFiles?
    /// The states of the data and meta files whose digest was checked.
    var checked: [FileState]
    var algorithm: String?
  }

  private let pool: BlockingPool
  private let known = Mutex<[ShardKey: Known]>([:])

  init(pool: BlockingPool) { self.pool = pool }

  /// The shard's files if they are open already.
  func known(_ request: ShardRequest) -> ShardFiles? {
    guard case .directory = request.source else { return nil }
    return known.withLock { known in
      guard let one = known[request.key], request.validateHash == nil || one.algorithm == request.validateHash else {
        return nil
      }
      return one.files
    }
  }

  /// The shard's raw files, opened where they lie; nil when the request is not for a user's directory, or only the
  /// compressed files lie there.
  func files(of request: ShardRequest) async throws(CacheError) -> ShardFiles? {
    guard case .directory(let path) = request.source else { return nil }
    if let files = known(request) { return files }
    return try await pool.run { () throws(CacheError) in try self.open(request, path) }
  }

  /// The same without leaving this thread, unless the digest would have to be checked first, which may take long: then
  /// only what is open already. Blocks.
  func filesNow(of request: ShardRequest) throws(CacheError) -> ShardFiles? {
    guard case .directory(let path) = request.source else { return nil }
    if let files = known(request) { return files }
    let isChecked = known.withLock { $0[request.key]?.algorithm == request.validateHash }
    guard request.validateHash == nil || isChecked else { return nil }
    return try open(request, path)
  }

  /// True when the shard's raw files lie in a user's directory. Blocks.
  static func isInPlace(_ request: ShardRequest) -> Bool {
    guard case .directory(let path) = request.source else { return false }
    if request.isReadInPlace { return true }
    do throws(SystemError) {
      let home = try Directory(path: path)
      return try home.status(of: request.shard.data.raw.basename) != nil
    } catch { return false }
  }

  private func open(_ request: ShardRequest, _ path: String) throws(CacheError) -> ShardFiles? {
    do throws(FileCheck.Mismatch) {
      guard let files = try raw(request, path) else { return nil }
      try check(request, files)
      return files
    } catch {
      if case .system(let cause) = error {
        let code: CacheError.Code = cause.isMissing ? .unavailable : cause.isNoPlainFile ? .corrupt : .directory
        throw CacheError(code, "\(cause)", request: request, cause: cause)
      }
      throw CacheError(.corrupt, "in \(path): \(error)", request: request, attempts: 1, cause: error)
    }
  }

  private func raw(_ request: ShardRequest, _ path: String) throws(FileCheck.Mismatch) -> ShardFiles? {
    do throws(SystemError) {
      let home = try Directory(path: path)
      let data = try home.openBeneath(request.shard.data.raw.basename)
      var meta: OwnedDescriptor?
      if let pair = request.shard.meta { meta = try home.openBeneath(pair.raw.basename) }
      return ShardFiles(data: data, meta: meta)
    } catch {
      if error.isMissing, request.shard.data.zip != nil { return nil }
      throw .system(error)
    }
  }

  /// Sizes every time, the digest that the configuration asks for once for each state of the files.
  private func check(_ request: ShardRequest, _ files: ShardFiles) throws(FileCheck.Mismatch) {
    var states: [FileState] = []
    let pairs =
      [(request.shard.data.raw, files.data)]
      + (request.shard.meta.flatMap { pair in files.meta.map { [(pair.raw, $0)] } } ?? [])
    for (file, descriptor) in pairs {
      try FileCheck(file, validateHash: nil).checkLength(descriptor)
      do throws(SystemError) { states.append(try descriptor.state()) } catch { throw .system(error) }
    }
    let isChecked = known.withLock { known in
      known[request.key].map { $0.checked == states && $0.algorithm == request.validateHash } ?? false
    }
    if let wanted = request.validateHash, !isChecked {
      for (file, descriptor) in pairs { try FileCheck(file, validateHash: wanted).check(descriptor) }
    }
    known.withLock {
      $0[request.key] = Known(files: files, checked: states, algorithm: request.validateHash)
    }
  }
}
