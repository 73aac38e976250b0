internal import CLinux

extension OwnedDescriptor {
  /// A new, empty file in memory, gone when its last descriptor is closed; `name` shows up in /proc only.
  public static func memoryFile(_ name: String) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(adopting: try systemCall("memfd_create", name) { sluice_memory_file(name) })
  }
}
