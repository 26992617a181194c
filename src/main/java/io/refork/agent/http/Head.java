package io.refork.agent.http;

import java.net.InetAddress;
import java.util.List;

/**
 * A request up to its body. Everything in it is the client's: bounded and free of control
 * characters, but not to be believed.
 *
 * @param contentLength 0 when there is none
 * @param authorizations the values of all Authorization fields, two at most
 */
public record Head(
    Line line, long contentLength, List<String> authorizations, boolean closeAsked, Peer peer) {
  /**
   * The first line.
   *
   * @param method 1 to 16 capital letters
   * @param target begins with a slash; the query included; printable ASCII
   * @param minor 1, or 0 for HTTP/1.0
   */
  public record Line(String method, String target, int minor) {
    /** The target without its query. */
    public String path() {
      int query = target.indexOf('?');
      return query < 0 ? target : target.substring(0, query);
    }
  }

  /**
   * Where it comes from.
   *
   * @param inside from this very pod or machine: nobody outside can have that address
   */
  public record Peer(InetAddress address, boolean inside) {}
}
