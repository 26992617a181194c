package io.refork.agent.linux;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import jnr.ffi.Pointer;

/**
 * A command and its environment in C's shape ({@code argv}, {@code envp}) in one piece of memory.
 */
final class StringBlock {
  private final Native os;
  private final ByteBuffer memory;
  private final long address;
  private final int arguments;

  StringBlock(Native os, List<String> command, Map<String, String> environment) {
    this.os = os;
    this.arguments = command.size();
    var strings = new ArrayList<byte[]>(command.size() + environment.size());
    command.forEach(argument -> strings.add(OsText.encode(argument)));
    environment.forEach((name, value) -> strings.add(OsText.encode(name + "=" + value)));
    // Pointers first: argv, NULL, envp, NULL; then the strings, each with its zero byte.
    var heads = (strings.size() + 2) * Long.BYTES;
    var size = heads;
    for (var string : strings) {
      size += string.length + 1;
    }
    memory = Native.allocate(size);
    address = os.pointer(memory).address();
    var at = heads;
    for (var i = 0; i < strings.size(); i++) {
      memory.putLong((i < arguments ? i : i + 1) * Long.BYTES, address + at);
      memory.put(at, strings.get(i));
      at += strings.get(i).length + 1;
    }
  }

  /** {@code argv[0]}. */
  Pointer file() {
    return os.pointer(memory.getLong(0));
  }

  Pointer argv() {
    return os.pointer(address);
  }

  Pointer envp() {
    return os.pointer(address + (arguments + 1L) * Long.BYTES);
  }

  /** Called after the native call, so that the memory cannot be collected during it. */
  void keep() {
    java.lang.ref.Reference.reachabilityFence(memory);
  }
}
