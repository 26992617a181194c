package io.refork;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rooms of the code and who may look into which; docs/architecture.md says why. */
@AnalyzeClasses(packages = "io.refork", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule AGENT_KNOWS_NO_CLUSTER =
      noClasses()
          .that()
          .resideInAPackage("io.refork.agent..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.refork.operator..",
              "io.refork.api..",
              "io.quarkus..",
              "io.fabric8..",
              "io.javaoperatorsdk..")
          .because("the agent is 24 MiB of plain Java; a framework would be in every pod");

  @ArchTest
  static final ArchRule KERNEL_HAS_ONE_HOME =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.refork.agent.linux..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jnr..", "com.kenai.jffi..")
          .because(
              "tests put a fake behind the interface of agent.linux; nothing else may reach the kernel");

  @ArchTest
  static final ArchRule POOL_IS_PURE =
      classes()
          .that()
          .resideInAPackage("io.refork.agent.pool..")
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                      "io.refork.agent.pool..",
                      "io.refork.protocol..",
                      "java.lang..",
                      "java.util..",
                      "java.time..",
                      "org.jspecify..")
                  .or(nameMatching("io\\.refork\\.agent\\.linux\\.(Signal|ExitStatus)(\\$.*)?")))
          .because(
              "it is stepped through thousands of random schedules: no I/O, no logger, no kernel"
                  + " but its two words for a death");

  @ArchTest
  static final ArchRule POOL_READS_NO_CLOCK =
      noClasses()
          .that()
          .resideInAPackage("io.refork.agent.pool..")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.time.Clock")
          .orShould()
          .callMethodWhere(target(owner(nameMatching("java\\.time\\..*"))).and(target(name("now"))))
          .orShould()
          .callMethodWhere(target(owner(name("java.lang.System"))))
          .orShould()
          .callMethodWhere(target(owner(name("java.lang.Thread"))))
          .because("time comes in with the event, so a schedule replays");

  @ArchTest
  static final ArchRule PROTOCOL_KNOWS_NOBODY =
      noClasses()
          .that()
          .resideInAPackage("io.refork.protocol..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.refork.agent..", "io.refork.operator..", "io.refork.api..")
          .allowEmptyShould(true)
          .because("both programs speak it");
}
