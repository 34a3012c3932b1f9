// lce_delegate for Java: the sources of lce_delegate/java, with the NDK.
plugins {
    alias(libs.plugins.android.library)
}

val sources = rootDir.resolve("../lce_delegate/java")

android {
    namespace = "org.ferlarq.lce"
    compileSdk = libs.versions.targetSdk.get().toInt()

    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        consumerProguardFiles(sources.resolve("src/main/proguard.txt"))
    }

    sourceSets["main"].manifest.srcFile(sources.resolve("src/main/AndroidManifest.xml"))
    sourceSets["main"].java.setSrcDirs(listOf(sources.resolve("src/main/java")))

    externalNativeBuild.cmake.path = sources.resolve("CMakeLists.txt")
}

dependencies {
    api(libs.tensorflow.lite.api)
}
