package io.refork.operator.status;

import java.util.OptionalLong;

/** Bytes as Kubernetes writes them, in whole Mi: finer would be a write for every page. */
final class Quantities {
  private static final long MI = 1L << 20;

  private Quantities() {}

  /** {@code 912Mi}, {@code 3Gi}, {@code 0}. */
  static String of(long bytes) {
    long mi = (bytes + MI / 2) / MI;
    if (mi == 0) {
      return "0";
    }
    return mi % 1024 == 0 ? mi / 1024 + "Gi" : mi + "Mi";
  }

  /** What {@link #of} has written; empty for anything else. */
  static OptionalLong bytes(String quantity) {
    if (quantity.equals("0")) {
      return OptionalLong.of(0);
    }
    if (!quantity.matches("[0-9]{1,12}(Mi|Gi)")) {
      return OptionalLong.empty();
    }
    long number = Long.parseLong(quantity, 0, quantity.length() - 2, 10);
    return OptionalLong.of(number * (quantity.endsWith("Gi") ? MI * 1024 : MI));
  }
}
