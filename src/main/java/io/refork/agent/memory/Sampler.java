package io.refork.agent.memory;

import io.refork.agent.linux.ProcFs;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Measures the pool's processes in turns, one at a time, on a thread of its own. It waits 300 times
 * as long as the last look took, so it uses a third of a percent of a CPU whatever the workers'
 * size: 32 workers of 1 GiB get their turn every some minutes, eight of 100 MiB about every half
 * minute, small ones every ten seconds.
 */
public final class Sampler implements AutoCloseable {
  /** A process to look at. */
  public record Target(int pid, long startTime) {}

  /**
   * The last look at a process.
   *
   * @param startTime which process of that pid it was
   * @param atNanos CLOCK_MONOTONIC
   */
  public record Sample(long startTime, MemoryReading reading, long atNanos) {}

  /** One look; {@link MemoryReader#read} or a test's. */
  @FunctionalInterface
  public interface Reader {
    MemoryReading read(int pid, long startTime);
  }

  private final Reader reader;
  private final Consumer<Map<Integer, Sample>> publish;
  private final ProcFs own = new ProcFs("/proc");
  private final Map<Integer, Sample> samples = new HashMap<>();
  private final Thread thread;
  private final Object lock = new Object();
  private volatile List<Target> targets = List.of();
  private long lastLook = System.nanoTime();
  private long lastCost;

  /**
   * Starts the thread. {@code publish} gets an immutable map, pid → last sample, on that thread
   * after each look.
   */
  public Sampler(Reader reader, Consumer<Map<Integer, Sample>> publish) {
    this.reader = reader;
    this.publish = publish;
    thread = Thread.ofPlatform().daemon().name("refork-sampler").unstarted(this::run);
    thread.start();
  }

  /**
   * The processes to look at from now on; from any thread. A new one does not wait for the end of a
   * long pause.
   */
  public void watch(List<Target> targets) {
    synchronized (lock) {
      this.targets = List.copyOf(targets);
      lock.notifyAll();
    }
  }

  private void run() {
    try {
      while (true) {
        awaitTurn();
        turn();
      }
    } catch (InterruptedException closed) {
      return;
    }
  }

  private void awaitTurn() throws InterruptedException {
    synchronized (lock) {
      while (true) {
        var newborns = targets.stream().anyMatch(target -> !isKnown(target));
        var pause = SamplerPace.pause(lastCost, targets.size(), newborns);
        var left = pause - (System.nanoTime() - lastLook) / 1_000_000;
        if (left <= 0) {
          return;
        }
        lock.wait(left);
      }
    }
  }

  private boolean isKnown(Target target) {
    var sample = samples.get(target.pid());
    return sample != null && sample.startTime() == target.startTime();
  }

  /** One look at the process that waits longest. */
  private void turn() {
    var now = targets;
    samples.entrySet().removeIf(entry -> now.stream().noneMatch(target -> isOf(entry, target)));
    var next = SamplerPace.next(now, samples);
    lastLook = System.nanoTime();
    lastCost = 0;
    if (next.isPresent()) {
      var target = next.get();
      var before = cpuNanos();
      var reading = reader.read(target.pid(), target.startTime());
      lastCost = cpuNanos() - before;
      lastLook = System.nanoTime();
      samples.put(target.pid(), new Sample(target.startTime(), reading, lastLook));
    }
    publish.accept(Map.copyOf(samples));
  }

  /**
   * What this thread has used of a CPU. Wall time would do on an idle machine; on one that is busy,
   * or in a container that is throttled, it is many times as much, and the numbers would come the
   * later the more they are wanted.
   */
  private long cpuNanos() {
    var times = own.bytes("thread-self/schedstat");
    return times.map(Sampler::firstNumber).orElseGet(System::nanoTime);
  }

  private static long firstNumber(byte[] text) {
    long number = 0;
    for (int i = 0; i < text.length && text[i] >= '0' && text[i] <= '9'; i++) {
      number = number * 10 + text[i] - '0';
    }
    return number;
  }

  private static boolean isOf(Map.Entry<Integer, Sample> entry, Target target) {
    return target.pid() == entry.getKey() && target.startTime() == entry.getValue().startTime();
  }

  /** Ends the thread; a look that is under way is finished first, but not waited for. */
  @Override
  public void close() {
    thread.interrupt();
  }
}
