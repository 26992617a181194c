package io.refork.operator.status;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The numbers in front of an agent's version.
 *
 * <p>0.1.0 is the first agent that can be steered.
 */
record AgentVersion(int major, int minor, int patch) implements Comparable<AgentVersion> {
  /** An older one does not understand what this operator sends. */
  static final AgentVersion OLDEST = new AgentVersion(0, 1, 0);

  private static final Pattern SHAPE =
      Pattern.compile("v?(\\d{1,6})\\.(\\d{1,6})(?:\\.(\\d{1,6}))?(?:[-+].*)?");

  /** Empty when it is no version. */
  static Optional<AgentVersion> parse(String text) {
    var match = SHAPE.matcher(text);
    if (!match.matches()) {
      return Optional.empty();
    }
    var patch = match.group(3);
    return Optional.of(
        new AgentVersion(
            Integer.parseInt(match.group(1)),
            Integer.parseInt(match.group(2)),
            patch == null ? 0 : Integer.parseInt(patch)));
  }

  @Override
  public int compareTo(AgentVersion other) {
    int major = Integer.compare(this.major, other.major);
    int minor = Integer.compare(this.minor, other.minor);
    return major != 0 ? major : minor != 0 ? minor : Integer.compare(patch, other.patch);
  }

  @Override
  public String toString() {
    return major + "." + minor + "." + patch;
  }
}
