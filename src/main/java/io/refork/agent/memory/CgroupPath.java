package io.refork.agent.memory;

import io.refork.agent.linux.ProcFs;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where one controller's files of this process lie.
 *
 * @param directories our group first, then its parents up to the mount point
 * @param unified version 2
 * @param top whether our group is the hierarchy's own top: its usage is the machine's, not ours
 */
record CgroupPath(List<String> directories, boolean unified, boolean top) {
  private record Mount(String root, String point) {}

  /**
   * The group of {@code /proc/self/cgroup}, found below the mount of {@code /proc/self/mountinfo}:
   * in a container the mount often shows only a part of the hierarchy, while the group is named
   * from its top.
   */
  static Optional<CgroupPath> find(ProcFs root, String controller) {
    var groups = text(root, "proc/self/cgroup");
    var mounts = text(root, "proc/self/mountinfo");
    for (var line : groups.split("\n")) {
      // 4:cpu,cpuacct:/path — version 1 has controllers, version 2 is 0::/path
      var parts = line.split(":", 3);
      if (parts.length == 3 && List.of(parts[1].split(",")).contains(controller)) {
        var found = mount(mounts, "cgroup", controller).map(m -> below(m, parts[2], false));
        if (found.isPresent()) {
          return found;
        }
      }
    }
    for (var line : groups.split("\n")) {
      if (line.startsWith("0::")) {
        return mount(mounts, "cgroup2", "").map(m -> below(m, line.substring(3), true));
      }
    }
    return Optional.empty();
  }

  private static CgroupPath below(Mount mount, String group, boolean unified) {
    var relative = "";
    if (mount.root().equals("/")) {
      relative = group;
    } else if (group.startsWith(mount.root() + "/")) {
      relative = group.substring(mount.root().length());
    }
    // A group outside of what is mounted (/../..) cannot be seen; the mount point is the nearest we
    // have.
    if (relative.contains("..")) {
      relative = "";
    }
    var directories = new ArrayList<String>();
    for (var at = relative; at.length() > 1; at = at.substring(0, at.lastIndexOf('/'))) {
      directories.add(mount.point() + at);
    }
    directories.add(mount.point());
    var top = mount.root().equals("/") && directories.size() == 1;
    return new CgroupPath(List.copyOf(directories), unified, top);
  }

  /** {@code 35 31 0:32 ROOT POINT rw shared:1 - cgroup cgroup rw,memory}. */
  private static Optional<Mount> mount(String mounts, String type, String controller) {
    for (var line : mounts.split("\n")) {
      var separator = line.indexOf(" - ");
      if (separator < 0) {
        continue;
      }
      var left = line.substring(0, separator).split(" ");
      var right = line.substring(separator + 3).split(" ");
      if (left.length > 4
          && right.length > 2
          && right[0].equals(type)
          && (controller.isEmpty() || List.of(right[2].split(",")).contains(controller))) {
        return Optional.of(new Mount(unescape(left[3]), unescape(left[4])));
      }
    }
    return Optional.empty();
  }

  /** The kernel writes a space in a path as {@code \040}. */
  private static String unescape(String path) {
    return path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
  }

  private static String text(ProcFs root, String file) {
    return new String(root.bytes(file).orElse(new byte[0]), StandardCharsets.UTF_8);
  }
}
