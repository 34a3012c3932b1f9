"""The Gradle scripts compile against the API of Gradle and of its plugins, which Maven Central has.
Gradle itself, and what Google's plugin is made of, cannot be fetched from there: nothing is run.

For a script, Gradle makes functions out of the plugins that it applies, and ``libs`` out of the
catalogue. Here these are written down with the API's types, and each script becomes a function.
"""

import re
import shutil
import subprocess

import pytest

from helpers.project import ROOT

DEMO = ROOT / "android_demo"

pytestmark = pytest.mark.skipif(not shutil.which("mvn"), reason="Maven is not installed here")

PRELUDE = """
import com.android.build.api.dsl.ApplicationExtension
import com.android.build.api.dsl.LibraryExtension
import org.gradle.api.*
import org.gradle.api.artifacts.*
import org.gradle.api.artifacts.dsl.*
import org.gradle.api.initialization.Settings
import org.gradle.api.initialization.resolve.RepositoriesMode
import org.gradle.api.provider.Provider
import org.gradle.plugin.use.*
import org.jetbrains.kotlin.gradle.dsl.KotlinAndroidExtension

fun <T : Any> made(): Provider<T> = TODO()
operator fun <T> NamedDomainObjectCollection<T>.get(name: String): T = getByName(name)
fun Project.plugins(configure: PluginDependenciesSpec.() -> Unit): Unit = TODO()
infix fun PluginDependencySpec.apply(now: Boolean): PluginDependencySpec = apply(now)
fun Project.dependencies(configure: DependencyHandler.() -> Unit) = dependencies.configure()
fun DependencyHandler.implementation(what: Any) = add("implementation", what)
fun DependencyHandler.api(what: Any) = add("api", what)
fun Project.kotlin(configure: KotlinAndroidExtension.() -> Unit): Unit = TODO()
"""

SCRIPTS = {  # what a script is of, and the extension `android` in it
    "settings.gradle.kts": ("Settings", None),
    "build.gradle.kts": ("Project", None),
    "app/build.gradle.kts": ("Project", "ApplicationExtension"),
    "lce/build.gradle.kts": ("Project", "LibraryExtension"),
}

KINDS = {
    "plugins": "PluginDependency",
    "versions": "String",
    "libraries": "MinimalExternalModuleDependency",
}


def accessors(names, kind):
    """Kotlin objects for the parts of a catalogue's names; where one ends, it is a provider."""
    lines = []
    for part in sorted({name.split("-")[0] for name in names}):
        provides = f" : Provider<{KINDS[kind]}> by made()" if part in names else ""
        longer = [name[len(part) + 1 :] for name in names if name.startswith(f"{part}-")]
        lines += [f"object {part}{provides} {{", *accessors(longer, kind), "}"]
    return lines


def catalogue_objects(catalogue):
    groups = {kind: accessors(list(catalogue[kind]), kind) for kind in KINDS}
    lines = ["object libs {", *groups["libraries"]]
    for kind in ("plugins", "versions"):
        lines += [f"object {kind} {{", *groups[kind], "}"]
    return "\n".join([*lines, "}"])


def as_function(name, catalogue):
    receiver, extension = SCRIPTS[name]
    package = re.sub(r"\W", "_", name)
    android = f"fun Project.android(configure: {extension}.() -> Unit): Unit = TODO()\n"
    prelude = PRELUDE + (android if extension else "") + catalogue_objects(catalogue)
    return (
        f"package {package}\n{prelude}\n"
        f"fun {receiver}.script() {{\n{(DEMO / name).read_text()}\n}}\n"
    )


def compile_scripts(folder, change=lambda text: text):
    tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
    catalogue = tomllib.loads((DEMO / "gradle" / "libs.versions.toml").read_text())
    wrapper = (DEMO / "gradle" / "wrapper" / "gradle-wrapper.properties").read_text()
    sources = folder / "src"
    sources.mkdir()
    for name in SCRIPTS:
        path = sources / f"{re.sub(r'[^a-z]', '_', name)}.kt"
        path.write_text(change(as_function(name, catalogue)))
    versions = {
        "kotlin": catalogue["versions"]["kotlin"],
        "agp": catalogue["versions"]["androidGradlePlugin"],
        "gradle": re.search(r"gradle-([\d.]+)-bin", wrapper)[1],
    }
    command = [
        "mvn", "-B", "-q", "-f", DEMO / "gradle" / "pom.xml", "compile", f"-Dwork={folder}",
        *(f"-D{name}.version={version}" for name, version in versions.items()),
        "-Dkotlin.compiler.daemon=false",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "Could not transfer artifact" in done.stdout:
        pytest.skip("Maven could not fetch the API of Gradle")
    return done


def test_the_scripts_compile_against_the_api_of_gradle_and_its_plugins(tmp_path):
    done = compile_scripts(tmp_path)
    assert done.returncode == 0, done.stdout[-6000:]


def test_a_name_that_the_api_lacks_is_seen(tmp_path):
    done = compile_scripts(
        tmp_path, lambda text: text.replace("isShrinkResources", "shrinksResources")
    )
    assert done.returncode != 0
    assert "shrinksResources" in done.stdout
