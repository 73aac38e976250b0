import SluiceDaemon

await SluiceDaemon.run()
