import ArgumentParser
import DatasetModel
import LinuxSystem
import ShardWriter

/// `sluice pack`: turns files into a stream.
struct PackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Write a stream of MDS shards from JSONL, CSV, TSV, a folder of files, or .npy arrays.",
    usage: "sluice pack <inputs> ... --out <directory> [<options>]",
    discussion: """
      For example:

        sluice pack train.jsonl -o /data/train
        sluice pack train.csv -o /data/train --columns text:str,label:int64 --compression zstd --hashes xxh64
        sluice pack documents/ -o /data/documents
        sluice pack tokens.npy -o /data/tokens --tokens-per-sample 2048

      The inputs are packed in the order given. For the same rows and options the files are byte for byte those of \
      mosaicml-streaming's MDSWriter, and either reads what the other wrote. `sluice verify` checks them.

      Columns: JSONL's are found in its first rows (text str, whole numbers int, other numbers float64, the rest json); \
      CSV's and TSV's are all str. --columns names others. Encodings: bytes (base64 in JSONL), str, int, int8 to uint64, \
      float16 to float64, str_int, str_float, str_decimal, json, ndarray, ndarray:TYPE, ndarray:TYPE:SHAPE (for \
      example ndarray:uint16:8,8), jpeg, png.

      A folder gives a sample for each file, with its path as a second column. An .npy array gives a sample for each of \
      its rows, or with --tokens-per-sample for so many elements.

      Exit status: 0 when all is written, 1 when the input cannot be packed, 64 when the options are wrong; nothing stays \
      behind then. What an interrupted packing leaves, the next one to the same directory sweeps.
      """)

  @Argument(help: "Files or folders, all of one kind.", completion: .file())
  var inputs: [String]

  @Option(
    name: [.short, .customLong("out")],
    help: ArgumentHelp("Directory of the stream; new or empty.", valueName: "directory"), completion: .directory)
  var output: String

  @Option(help: "jsonl, csv, tsv, files or npy, when the names' endings do not say.")
  var format: String?

  @Option(help: ArgumentHelp("name:encoding, separated by commas.", valueName: "columns"))
  var columns: String?

  @Option(help: "What a folder's files are: text, bytes, jpeg or png. Their names say, otherwise.")
  var content: String?

  @Option(help: ArgumentHelp("Elements of a sample, from an array of one dimension.", valueName: "count"))
  var tokensPerSample: Int?

  @Option(help: ArgumentHelp("The name of an array's column. (default: tokens)", valueName: "name"))
  var arrayColumn: String?

  @Option(help: ArgumentHelp("Bytes of a shard after which the next begins; 0 for one shard.", valueName: "bytes"))
  var sizeLimit = "64mb"

  @Option(help: "zstd[:1-22], gz[:0-9], bz2[:1-9], br[:0-11] or snappy.")
  var compression: String?

  @Option(help: "Digests for the index, separated by commas, for example sha1,xxh64.")
  var hashes: String?

  @Option(name: .shortAndLong, help: "Cores to use; all by default.")
  var jobs: Int?

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func run() async throws {
    do {
      let options = try ShardOptions.parse(sizeLimit: sizeLimit, compression: compression, hashes: hashes)
      let packer = try Packer(
        input: try input(), options: options, directory: output, jobs: jobs ?? ProcessSettings.cores)
      let meter = PackProgress()
      var line = StatusLine(isShown: !quiet && StandardError.isTerminal)
      defer { line.clear() }
      let total = try await packer.run { progress in line.show(meter.line(progress)) }
      line.clear()
      for remark in total.remarks { StandardError.write(line: "sluice pack: \(remark)") }
      if !quiet { print(summary(total, seconds: meter.seconds)) }
    } catch let error as PackError {
      StandardError.write(line: "sluice pack: \(error.message)")
      throw ExitCode(error.code == .options ? 64 : 1)
    }
  }

  private func input() throws(PackError) -> PackInput {
    var formats: Set<PackInput.Format> = []
    for path in inputs {
      if let format {
        guard let known = PackInput.Format(rawValue: format) else {
          throw PackError(.options, "\"\(format)\" is no format; those are jsonl, csv, tsv, files, npy")
        }
        formats.insert(known)
      } else if let known = PackInput.format(ofPath: path, isDirectory: OutputDirectory.exists(path)) {
        formats.insert(known)
      } else {
        throw PackError(.options, "\(path): its name does not say what it is; use --format")
      }
    }
    guard let kind = formats.first, formats.count == 1 else {
      throw PackError(.options, "the inputs are of different kinds; pack each kind into its own stream")
    }
    var input = PackInput(format: kind, paths: inputs)
    if let columns { input.columns = try PackColumn.parse(columns) }
    if let content {
      guard let known = FileContent(rawValue: content) else {
        throw PackError(.options, "\"\(content)\" is no content; it is text, bytes, jpeg or png")
      }
      input.content = known
    }
    if kind != .files, content != nil { throw PackError(.options, "--content is for folders, not for \(kind)") }
    if kind != .npy, tokensPerSample != nil || arrayColumn != nil {
      throw PackError(.options, "--tokens-per-sample and --array-column are for .npy arrays, not for \(kind)")
    }
    input.tokensPerSample = tokensPerSample
    input.arrayColumn = arrayColumn ?? input.arrayColumn
    return input
  }

  private func summary(_ total: Packer.Progress, seconds: Double) -> String {
    "\(output): \(counted(total.samples, "sample")) in \(counted(total.shards, "shard")), "
      + "\(ByteCount.describe(total.writtenBytes)), packed in \(PackProgress.time(seconds))"
  }
}
