import SluiceDaemon

await SluiceDaemon.run { registry in
  try registry.register("squares") { configuration in try SquaresStream(configuration) }
}
