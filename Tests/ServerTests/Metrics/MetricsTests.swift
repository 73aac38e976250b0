import Testing

@testable import Server

@Suite struct HistogramTests {
  @Test func boundsAreInclusiveAndWhatIsBeyondThemCounts() {
    var histogram = Histogram(bounds: [1, 2])
    for value in [0, 1, 1.5, 2, 3] { histogram.observe(value) }
    #expect(histogram.counts == [2, 2, 1])
    #expect(histogram.sum == 7.5 && histogram.count == 5)
    var other = histogram
    other.merge(histogram)
    #expect(other.counts == [4, 4, 2] && other.sum == 15)
  }

  @Test func requestBucketsReachFromMicrosecondsToAMinute() {
    #expect(Histogram.requestSeconds.first == 1e-5 && Histogram.requestSeconds.last == 60)
    for bounds in [Histogram.requestSeconds, Histogram.workSeconds, Histogram.shardBytes] {
      #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
    }
  }

  @Test func theTextIsCumulative() {
    var writer = MetricsWriter()
    var histogram = Histogram(bounds: [0.5, 1])
    for value in [0.25, 0.75, 9] { histogram.observe(value) }
    writer.histogram("x_seconds", "X.", [([("kind", "a\"b")], histogram)])
    #expect(
      writer.text == """
        # HELP x_seconds X.
        # TYPE x_seconds histogram
        x_seconds_bucket{kind="a\\"b",le="0.5"} 1
        x_seconds_bucket{kind="a\\"b",le="1"} 2
        x_seconds_bucket{kind="a\\"b",le="+Inf"} 3
        x_seconds_sum{kind="a\\"b"} 10
        x_seconds_count{kind="a\\"b"} 3

        """)
  }
}

@Suite struct DaemonMetricsTests {
  @Test func whatAConnectionCountedStaysWhenItIsGone() {
    let metrics = DaemonMetrics()
    let (number, times) = metrics.connection()
    times.observe(.batch, seconds: 0.002)
    times.observe(.open, seconds: 1)
    let open = metrics.snapshot.requests.map(\.count)
    #expect(open == [1, 0, 0, 1, 0])
    #expect(metrics.connections == 1)
    metrics.ended(number)
    metrics.ended(number)
    #expect(metrics.snapshot.requests.map(\.count) == open)
    #expect(metrics.connections == 0)
  }

  @Test func labelsAreBoundedAndStable() {
    let labels = BoundedLabels(limit: 2)
    #expect(["a", "b", "c", "a", "d", "b"].map(labels.label) == ["a", "b", "other", "a", "other", "b"])
    let samples: [MetricsWriter.Sample] = [([("s", "other")], 1), ([("s", "a")], 5), ([("s", "other")], 2)]
    #expect(samples.summed().map(\.value) == [3, 5])
  }
}
