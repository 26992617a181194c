package io.refork.agent.cli;

import io.refork.agent.cli.TrialSeen.MemorySeen;
import io.refork.agent.cli.TrialSeen.PoolSeen;
import io.refork.agent.control.Status;
import io.refork.agent.linux.ProcFs;
import io.refork.agent.memory.MemoryReader;
import io.refork.agent.memory.MemoryReading.Measured;
import io.refork.agent.memory.ProcessMemory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Looks at the processes of a pool, as its status names them. */
final class PoolLook {
  private final String root;
  private final OpenDescriptors descriptors;

  PoolLook(String root) {
    this.root = root;
    this.descriptors = new OpenDescriptors(root);
  }

  PoolSeen at(Status status) {
    int most = 0;
    for (int pid : workers(status)) {
      most = Math.max(most, descriptors.targets(pid).size());
    }
    var mold = status.mold().map(m -> descriptors.targets(m.pid())).orElse(List.of());
    return new PoolSeen(memory(status), most, mold);
  }

  /** Threads of the mold but its main one. */
  List<String> moldThreads(Status status) {
    return status
        .mold()
        .map(m -> descriptors.threads(m.pid()))
        .filter(names -> names.size() > 1)
        .map(names -> names.subList(1, names.size()))
        .orElse(List.of());
  }

  /** Peers of TCP connections that one worker alone has, with how many there are of each. */
  List<String> connections(Status status) {
    var peers = new TreeMap<String, Integer>();
    for (int pid : workers(status)) {
      var sockets = new HashSet<>(descriptors.sockets(pid));
      status.mold().ifPresent(m -> sockets.removeAll(descriptors.sockets(m.pid())));
      for (var peer : descriptors.peers(pid, sockets).values()) {
        if (!peer.startsWith("a connected Unix socket")) { // that is the agent
          peers.merge(peer, 1, Integer::sum);
        }
      }
    }
    var found = new ArrayList<String>();
    peers.forEach(
        (peer, count) -> found.add(count == 1 ? peer : peer + " (" + count + " of them)"));
    return found;
  }

  private static List<Integer> workers(Status status) {
    return status.workers().stream().flatMap(w -> w.pid().stream()).toList();
  }

  private Optional<MemorySeen> memory(Status status) {
    var reader = new MemoryReader(root);
    var proc = new ProcFs(root);
    var workers = new ArrayList<ProcessMemory>();
    for (int pid : workers(status)) {
      read(reader, proc, pid).ifPresent(workers::add);
    }
    var mold = status.mold().flatMap(m -> read(reader, proc, m.pid()));
    if (workers.isEmpty() || mold.isEmpty()) {
      return Optional.empty();
    }
    double count = workers.size();
    return Optional.of(
        new MemorySeen(
            workers.size(),
            workers.stream().mapToLong(ProcessMemory::privateBytes).sum() / count,
            workers.stream().mapToLong(ProcessMemory::residentBytes).sum() / count,
            workers.stream().mapToLong(ProcessMemory::proportionalBytes).sum()
                + mold.get().proportionalBytes()));
  }

  private static Optional<ProcessMemory> read(MemoryReader reader, ProcFs proc, int pid) {
    return proc.process(pid)
        .map(p -> reader.read(pid, p.startTime()))
        .flatMap(r -> r instanceof Measured m ? Optional.of(m.memory()) : Optional.empty());
  }
}
