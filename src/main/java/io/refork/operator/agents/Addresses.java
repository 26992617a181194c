package io.refork.operator.agents;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which addresses are asked. A pod's status is written by its kubelet, so a node that somebody has
 * taken over could name any address: it must not be the operator's own machine, nor a cloud's
 * metadata service, nor a name that is looked up.
 */
final class Addresses {
  /** Neither zones nor brackets nor names, before anything else looks at it. */
  private static final Pattern LITERAL = Pattern.compile("[0-9.]{7,15}|[0-9a-fA-F:]{2,39}");

  private Addresses() {}

  /**
   * The address, when it is one that a pod may have.
   *
   * @param ip four decimal numbers or an IPv6 address; a name is never looked up
   * @param loopback whether this machine's own addresses are allowed
   */
  static Optional<InetAddress> of(String ip, boolean loopback) {
    if (!LITERAL.matcher(ip).matches()) {
      return Optional.empty();
    }
    InetAddress address;
    try {
      address = InetAddress.ofLiteral(ip);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    // Also 10.1, 010.0.0.1 and an IPv4 address mapped into IPv6 were parsed.
    if (address instanceof Inet4Address && !address.getHostAddress().equals(ip)) {
      return Optional.empty();
    }
    if (address.isLoopbackAddress()) {
      return loopback ? Optional.of(address) : Optional.empty();
    }
    return address.isAnyLocalAddress()
            || address.isLinkLocalAddress()
            || address.isMulticastAddress()
            || isReserved(address)
        ? Optional.empty()
        : Optional.of(address);
  }

  /** 0.0.0.0/8 means this host to some kernels; from 240.0.0.0 on there are no hosts. */
  private static boolean isReserved(InetAddress address) {
    int first = address.getAddress()[0] & 0xff;
    return address instanceof Inet4Address && (first == 0 || first >= 240);
  }
}
