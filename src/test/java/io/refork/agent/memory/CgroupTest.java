package io.refork.agent.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupTest {
  private static final String V1 =
      """
      35 31 0:32 %1$s /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
      32 31 0:29 %1$s /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
      """;
  private static final String V2 =
      "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
  private static final String UNLIMITED = "9223372036854771712\n";

  @TempDir Path root;

  private void file(String path, String content) throws IOException {
    var file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private Cgroup cgroup() {
    return Cgroup.of(root.toString());
  }

  @Test
  @DisplayName("MEM-07 version 2 in a container: the group is the root of its namespace")
  void version2() throws Exception {
    file("proc/self/cgroup", "0::/\n");
    file("proc/self/mountinfo", V2);
    file("sys/fs/cgroup/memory.max", "536870912\n");
    file("sys/fs/cgroup/memory.current", "1048576\n");
    file("sys/fs/cgroup/cpu.max", "150000 100000\n");
    assertThat(cgroup().memoryLimit()).hasValue(536870912);
    assertThat(cgroup().memoryUsage()).hasValue(1048576);
    assertThat(cgroup().cpuLimit()).hasValue(1.5);
    assertThat(cgroup().workers(8)).isEqualTo(2);
  }

  @Test
  @DisplayName(
      "MEM-07 version 2, nested: the limit of a parent holds, and the usage is that parent's")
  void nested2() throws Exception {
    file("proc/self/cgroup", "0::/pod/app/inner\n");
    file("proc/self/mountinfo", V2);
    file("sys/fs/cgroup/pod/app/inner/memory.max", "max\n");
    file("sys/fs/cgroup/pod/app/inner/memory.current", "10\n");
    file("sys/fs/cgroup/pod/app/inner/cpu.max", "max 100000\n");
    file("sys/fs/cgroup/pod/app/memory.max", "2000\n");
    file("sys/fs/cgroup/pod/app/memory.current", "30\n");
    file("sys/fs/cgroup/pod/app/cpu.max", "400000 100000\n");
    file("sys/fs/cgroup/pod/memory.max", "9000\n");
    file("sys/fs/cgroup/pod/cpu.max", "300000 100000\n");
    assertThat(cgroup().memoryLimit()).hasValue(2000);
    assertThat(cgroup().memoryUsage()).hasValue(30);
    assertThat(cgroup().cpuLimit()).hasValue(3);
    assertThat(cgroup().workers(64)).isEqualTo(3);
  }

  @Test
  @DisplayName(
      "MEM-07 version 2 without limits: usage of our group, no limit; on a bare machine neither")
  void unlimited2() throws Exception {
    file("proc/self/cgroup", "0::/user.slice\n");
    file("proc/self/mountinfo", V2);
    file("sys/fs/cgroup/user.slice/memory.max", "max\n");
    file("sys/fs/cgroup/user.slice/memory.current", "10\n");
    assertThat(cgroup().memoryLimit()).isEmpty();
    assertThat(cgroup().memoryUsage()).hasValue(10);
    assertThat(cgroup().cpuLimit()).isEmpty();
    file("proc/self/cgroup", "0::/\n");
    assertThat(cgroup().memoryUsage()).isEmpty();
  }

  @Test
  @DisplayName("MEM-07 version 1 in a container: the mount shows the container's group only")
  void version1() throws Exception {
    file(
        "proc/self/cgroup",
        "4:memory:/kubepods/pod1/abc\n3:cpu,cpuacct:/kubepods/pod1/abc\n0::/\n");
    file("proc/self/mountinfo", V1.formatted("/kubepods/pod1/abc"));
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    file("sys/fs/cgroup/memory/memory.usage_in_bytes", "1024\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assertThat(cgroup().memoryLimit()).hasValue(4096);
    assertThat(cgroup().memoryUsage()).hasValue(1024);
    assertThat(cgroup().cpuLimit()).hasValue(2.5);
    assertThat(cgroup().workers(8)).isEqualTo(3);
  }

  @Test
  @DisplayName("MEM-07 version 1, nested below the container's group")
  void nested1() throws Exception {
    file("proc/self/cgroup", "4:memory:/docker/abc/inner\n3:cpu,cpuacct:/docker/abc/inner\n");
    file("proc/self/mountinfo", V1.formatted("/docker/abc"));
    file("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", UNLIMITED);
    file("sys/fs/cgroup/memory/inner/memory.usage_in_bytes", "10\n");
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    file("sys/fs/cgroup/memory/memory.usage_in_bytes", "1024\n");
    assertThat(cgroup().memoryLimit()).hasValue(4096);
    assertThat(cgroup().memoryUsage()).hasValue(1024);
  }

  @Test
  @DisplayName(
      "MEM-07 version 1 without limits: the sentinels are no limit; the machine's own top group is not our usage")
  void unlimited1() throws Exception {
    file("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n");
    file("proc/self/mountinfo", V1.formatted("/docker/abc"));
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", UNLIMITED);
    file("sys/fs/cgroup/memory/memory.usage_in_bytes", "1024\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assertThat(cgroup().memoryLimit()).isEmpty();
    assertThat(cgroup().memoryUsage()).hasValue(1024);
    assertThat(cgroup().cpuLimit()).isEmpty();
    file("proc/self/cgroup", "4:memory:/\n3:cpu,cpuacct:/\n");
    file("proc/self/mountinfo", V1.formatted("/"));
    assertThat(cgroup().memoryUsage()).isEmpty();
  }

  @Test
  @DisplayName(
      "MEM-07 no control groups, or garbage: unknown; workers from the usable CPUs, at least 2")
  void none() throws Exception {
    assertThat(cgroup().memoryLimit()).isEmpty();
    assertThat(cgroup().memoryUsage()).isEmpty();
    assertThat(cgroup().cpuLimit()).isEmpty();
    assertThat(cgroup().workers(1)).isEqualTo(2);
    assertThat(cgroup().workers(6)).isEqualTo(6);
    file("proc/self/cgroup", "x\n0::/../..\n:::\n");
    file("proc/self/mountinfo", "x - \n" + V2);
    file("sys/fs/cgroup/memory.max", "lots\n");
    file("sys/fs/cgroup/cpu.max", "");
    assertThat(cgroup().memoryLimit()).isEmpty();
    assertThat(cgroup().cpuLimit()).isEmpty();
  }

  @Test
  @DisplayName("MEM-07 this machine: what is said exists")
  void here() {
    var here = Cgroup.of("");
    for (var directory : here.memoryDirectories()) {
      assertThat(Path.of(directory)).isDirectory();
    }
    here.memoryUsage().ifPresent(bytes -> assertThat(bytes).isPositive());
  }
}
