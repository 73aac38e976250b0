/// The version of this Sluice.
public enum DaemonVersion {
  public static let text = "0.1.0"
}
