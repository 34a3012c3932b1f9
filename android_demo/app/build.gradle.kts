plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

val projectVersion = Regex("""__version__ = "(\d+)\.(\d+)\.(\d+)"""")
    .find(rootDir.resolve("../fer_larq/__init__.py").readText())
    ?: error("fer_larq/__init__.py names no __version__")

android {
    namespace = "org.ferlarq.demo"
    compileSdk = libs.versions.targetSdk.get().toInt()

    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        val (major, minor, patch) = projectVersion.destructured
        versionName = "$major.$minor.$patch"
        versionCode = 10_000 * major.toInt() + 100 * minor.toInt() + patch.toInt()
    }

    // The models: `python3 build.py assets` lays them there.
    sourceSets["main"].assets.setSrcDirs(listOf("../build/assets"))
    androidResources.noCompress += "tflite"

    // libpacked_network.so, for phones where TensorFlow Lite does not load.
    externalNativeBuild.cmake.path = file("../network/CMakeLists.txt")

    buildTypes.getByName("release") {
        isMinifyEnabled = true
        isShrinkResources = true
        proguardFiles("src/main/proguard.txt")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    lint {
        lintConfig = file("lint.xml")
        warningsAsErrors = true
    }

    splits.abi {
        isEnable = true
        reset()
        include("arm64-v8a", "armeabi-v7a", "x86_64")
        isUniversalApk = true
    }
}

kotlin {
    jvmToolchain(17)
    compilerOptions.allWarningsAsErrors.set(true)
}

dependencies {
    implementation(project(":lce"))
    implementation(libs.tensorflow.lite)
}
