/// Samples waiting, in buckets of neighbouring places, to be put in order.
///
/// A bucket holds its samples in chunks of one pool, because it takes about, not exactly, one sample per place. Memory
/// is allocated by hand: the inner loops touch each sample a few times, and nothing here outlives the window.
struct PlaceWindow<ID: SampleNumber>: ~Copyable {
  struct Entry {
    var place: Double
    var id: ID
  }

  /// Places of a bucket; its entries, twice, fit a second-level cache.
  private static var bucketShift: Int { 13 }
  private static var bucketPlaces: Int { 1 << bucketShift }
  /// Entries of a chunk.
  private static var chunkEntries: Int { 512 }

  /// The samples emitted so far.
  private(set) var order: [ID] = []

  private let places: Range<Int>
  private let buckets: Int
  private var emitted = 0
  private var pool: UnsafeMutablePointer<Entry>
  /// Chunks of the pool, used or free.
  private var chunks = 64
  /// The chunk after each chunk, in its bucket or among the free ones; −1 after the last.
  private var following: [Int]
  private var firstFree = 0
  /// Each bucket's first chunk.
  private var firstChunk: [Int]
  /// Where each bucket's next entry goes. At a chunk's boundary (and for an empty bucket, 0) a new chunk is due.
  private let cursor: UnsafeMutablePointer<Int>
  private let cells: UnsafeMutablePointer<UInt32>
  private var sorting: UnsafeMutablePointer<Entry>
  private var emitting: UnsafeMutablePointer<ID>
  private var sortingCapacity = 2 << 13

  /// A window that will emit the samples whose places' integer parts lie in `places`.
  init(_ places: Range<Int>) {
    self.places = places
    buckets = (places.count + Self.bucketPlaces - 1) >> Self.bucketShift
    pool = .allocate(capacity: chunks * Self.chunkEntries)
    following = (1...chunks).map { $0 }
    following[chunks - 1] = -1
    firstChunk = [Int](repeating: -1, count: buckets)
    cursor = .allocate(capacity: buckets)
    cursor.initialize(repeating: 0, count: buckets)
    cells = .allocate(capacity: Self.bucketPlaces)
    sorting = .allocate(capacity: sortingCapacity)
    emitting = .allocate(capacity: sortingCapacity)
    order.reserveCapacity(places.count + places.count / 64)
  }

  deinit {
    pool.deallocate()
    cursor.deallocate()
    cells.deallocate()
    sorting.deallocate()
    emitting.deallocate()
  }

  /// Draws a place for each sample of a piece, and files those that lie in the window's places.
  ///
  /// - Parameters:
  ///   - position: the index of the piece's first sample.
  ///   - left: the least distance a sample moves; negative to the left.
  ///   - width: the difference between the greatest distance and the least.
  mutating func insert(
    _ piece: UnsafeBufferPointer<ID>, at position: Int, from left: Double, width: Double, _ generator: inout Generator
  ) {
    var draws = generator
    let low = places.lowerBound
    let count = UInt(places.count)
    let cursor = self.cursor
    var pool = self.pool
    for index in 0..<piece.count {
      // Two rounded operations, then a third: not fused, as the reference's are not.
      let distance = left + width * draws.nextDouble()
      let place = Double(position + index) + distance
      let offset = UInt(bitPattern: Int(place) - low)
      if offset >= count { continue }
      let bucket = Int(offset >> UInt(Self.bucketShift))
      var slot = cursor[bucket]
      if slot & (Self.chunkEntries - 1) == 0 {
        slot = openChunk(bucket, after: slot)
        pool = self.pool
      }
      (pool + slot).initialize(to: Entry(place: place, id: piece[index]))
      cursor[bucket] = slot + 1
    }
    generator = draws
  }

  /// Emits the buckets that end at or before `limit`; no sample may be inserted below it any more.
  mutating func emit(before limit: Int) {
    while emitted < buckets, places.lowerBound + (emitted + 1) << Self.bucketShift <= limit || limit == .max {
      emitBucket(emitted)
      emitted += 1
    }
  }

  /// Takes a free chunk for a bucket whose last one is full, and returns its first slot.
  @inline(never)
  private mutating func openChunk(_ bucket: Int, after slot: Int) -> Int {
    if firstFree < 0 { grow() }
    let chunk = firstFree
    firstFree = following[chunk]
    following[chunk] = -1
    if slot == 0 {
      firstChunk[bucket] = chunk
    } else {
      following[slot / Self.chunkEntries - 1] = chunk
    }
    return chunk * Self.chunkEntries
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: 2 * chunks * Self.chunkEntries)
    larger.moveInitialize(from: pool, count: chunks * Self.chunkEntries)
    pool.deallocate()
    pool = larger
    firstFree = chunks
    following.append(contentsOf: (chunks + 1)...(2 * chunks))
    chunks *= 2
    following[chunks - 1] = -1
  }

  /// Sorts a bucket, emits its samples, and frees its chunks.
  private mutating func emitBucket(_ bucket: Int) {
    let base = places.lowerBound + bucket << Self.bucketShift
    let end = cursor[bucket]
    if end == 0 { return }
    let count = scatter(from: firstChunk[bucket], to: end, base: base)
    let sorting = self.sorting
    // Entries now lie in order of their integer parts; what is left to sort lies within a place of each other.
    for index in 1..<max(count, 1) {
      let entry = sorting[index]
      var hole = index
      while hole > 0, sorting[hole - 1].place > entry.place {
        sorting[hole] = sorting[hole - 1]
        hole -= 1
      }
      if hole != index { sorting[hole] = entry }
    }
    for index in 0..<count { (emitting + index).initialize(to: sorting[index].id) }
    order.append(contentsOf: UnsafeBufferPointer(start: emitting, count: count))
  }

  /// Sorts a bucket's entries by the integer parts of their places, stably, into `sorting`; frees the chunks.
  private mutating func scatter(from first: Int, to end: Int, base: Int) -> Int {
    cells.initialize(repeating: 0, count: Self.bucketPlaces)
    var count = 0
    var chunk = first
    var last = first
    while chunk >= 0 {
      let entries = pool + chunk * Self.chunkEntries
      let filled = following[chunk] < 0 ? end - chunk * Self.chunkEntries : Self.chunkEntries
      for index in 0..<filled { cells[Int(entries[index].place) - base] += 1 }
      count += filled
      last = chunk
      chunk = following[chunk]
    }
    if count > sortingCapacity {
      sorting.deallocate()
      emitting.deallocate()
      sortingCapacity = 2 * count
      sorting = .allocate(capacity: sortingCapacity)
      emitting = .allocate(capacity: sortingCapacity)
    }
    var sum: UInt32 = 0
    for cell in 0..<Self.bucketPlaces {
      let here = cells[cell]
      cells[cell] = sum
      sum += here
    }
    chunk = first
    while chunk >= 0 {
      let entries = pool + chunk * Self.chunkEntries
      let filled = following[chunk] < 0 ? end - chunk * Self.chunkEntries : Self.chunkEntries
      for index in 0..<filled {
        let cell = Int(entries[index].place) - base
        sorting[Int(cells[cell])] = entries[index]
        cells[cell] += 1
      }
      chunk = following[chunk]
    }
    following[last] = firstFree
    firstFree = first
    return count
  }
}
