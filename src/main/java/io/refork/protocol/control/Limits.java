package io.refork.protocol.control;

/** Bounds that both documents share. */
final class Limits {
  /** Characters of a UID, a permit's id. A UUID has 36. */
  static final int ID = 64;

  /** Characters of a session: 64 bits in any notation. 32 of them stand in a pool's status. */
  static final int SESSION = 20;

  /** Characters of {@code namespace/name}: 63 + 1 + 253. */
  static final int POOL = 317;

  /** Characters of a requested wave's token. */
  static final int REQUEST = 128;

  /** Levels and generations: a refork a second for thirty years. */
  static final int COUNT = 1_000_000_000;

  /** The year 9999: what RFC 3339 can still write. */
  static final long EPOCH_SECONDS = 253_402_300_799L;

  /** Workers of one pod, those beyond the wanted ones included: 512 and as many by surge. */
  static final int WORKERS = 1024;

  private Limits() {}
}
