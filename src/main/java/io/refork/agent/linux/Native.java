package io.refork.agent.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * The loaded C library, its errno and its kind of memory. Safe from any thread; errno belongs to
 * the thread.
 */
final class Native {
  private static final class Loaded {
    static final Native INSTANCE = new Native();
  }

  /** The functions. */
  final LibC c;

  private final Runtime runtime;

  private Native() {
    c = LibraryLoader.create(LibC.class).load("c");
    runtime = Runtime.getRuntime(c);
  }

  /** Loads the C library at the first call. */
  static Native get() {
    return Loaded.INSTANCE;
  }

  /** The error of the last call of this thread; to be asked at once, before any other call. */
  int errno() {
    return runtime.getLastError();
  }

  /** "No such file or directory" and its like. */
  String explain(int errno) {
    return c.strerror(errno);
  }

  /** An exception "{@code what}: No such file or directory". */
  KernelException failure(int errno, String what) {
    return new KernelException(errno, what + ": " + explain(errno));
  }

  /**
   * Zeroed memory outside the heap in the machine's byte order; lives as long as the buffer is
   * reachable.
   */
  static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** The address of a direct buffer's beginning; the caller keeps the buffer reachable. */
  Pointer pointer(ByteBuffer direct) {
    return Pointer.wrap(runtime, direct);
  }

  /** The pointer of an address inside a buffer that the caller keeps reachable. */
  Pointer pointer(long address) {
    return Pointer.wrap(runtime, address);
  }
}
