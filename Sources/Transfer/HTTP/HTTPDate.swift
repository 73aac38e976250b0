/// Dates as HTTP and request signatures write them, without a calendar library. Seconds are Unix time.
///
/// Source: RFC 9110 §5.6.7 (IMF-fixdate); the civil-date algorithms of Howard Hinnant, "chrono-compatible low-level date
/// algorithms".
public enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

  /// Unix seconds of `Sun, 06 Nov 1994 08:49:37 GMT`; nil for other forms.
  public static func parse(_ text: String) -> Int? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let day = ContentRange.number(parts[1]),
      let month = months.firstIndex(of: String(parts[2])), let year = ContentRange.number(parts[3]),
      (1...31).contains(day), (1970...9999).contains(year)
    else { return nil }
    return time(parts[4]).map { days(year: year, month: month + 1, day: day) * 86400 + $0 }
  }

  /// Unix seconds of an ISO 8601 time in UTC (`2026-11-23T05:48:49Z`, fractions dropped, `+00:00` accepted).
  public static func parseISO(_ text: String) -> Int? {
    let halves = text.split(separator: "T")
    guard halves.count == 2 else { return nil }
    let date = halves[0].split(separator: "-").map(ContentRange.number)
    guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1...12).contains(month),
      (1...31).contains(day), (1970...9999).contains(year)
    else { return nil }
    var clock = halves[1]
    if clock.hasSuffix("Z") {
      clock = clock.dropLast()
    } else if clock.hasSuffix("+00:00") {
      clock = clock.dropLast(6)
    } else {
      return nil
    }
    if let dot = clock.firstIndex(of: ".") { clock = clock[..<dot] }
    return time(clock).map { days(year: year, month: month, day: day) * 86400 + $0 }
  }

  /// `20261123T054849Z`, as AWS Signature V4 wants it.
  public static func basicISO(_ seconds: Int) -> String {
    let (year, month, day) = civil(seconds / 86400)
    let (hour, minute, second) = clock(seconds)
    return "\(pad(year, 4))\(pad(month))\(pad(day))T\(pad(hour))\(pad(minute))\(pad(second))Z"
  }

  /// `Mon, 23 Nov 2026 05:48:49 GMT`.
  public static func imf(_ seconds: Int) -> String {
    let (year, month, day) = civil(seconds / 86400)
    let (hour, minute, second) = clock(seconds)
    return "\(weekdays[(seconds / 86400) % 7]), \(pad(day)) \(months[month - 1]) \(pad(year, 4)) "
      + "\(pad(hour)):\(pad(minute)):\(pad(second)) GMT"
  }

  private static func time(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":").map(ContentRange.number)
    guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2], hour < 24, minute < 60,
      second <= 60
    else { return nil }
    return hour * 3600 + minute * 60 + second
  }

  private static func clock(_ seconds: Int) -> (Int, Int, Int) {
    (seconds % 86400 / 3600, seconds % 3600 / 60, seconds % 60)
  }

  private static func pad(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private static func days(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468
  }

  private static func civil(_ daysSinceEpoch: Int) -> (Int, Int, Int) {
    let shifted = daysSinceEpoch + 719468
    let era = shifted / 146097
    let dayOfEra = shifted - era * 146097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
