package org.ferlarq.demo.inference

import java.io.File
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.random.Random
import org.ferlarq.demo.asset
import org.ferlarq.demo.buildFolder
import org.ferlarq.demo.image.AreaReduction
import org.ferlarq.demo.image.ContrastStretch
import org.ferlarq.demo.image.FaceCutter
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.lce.LceDelegate
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** The real networks on this machine: frame to face to scores as Python has them, bit for bit. */
class GoldenTest {
    private fun golden(name: String) = javaClass.getResourceAsStream("/golden/$name")!!.readBytes()

    /** The faces that the app cuts out of the golden frames. */
    private fun facesOfFrames(): List<ByteArray> {
        val frames = JSONArray(String(golden("frames.json")))
        val pixels = golden("frames.bin")
        val image = LumaImage()
        val cutter = FaceCutter(FACE_SIZE)
        var start = 0
        return List(frames.length()) {
            val frame = frames.getJSONObject(it)
            val (height, stride) = frame.getInt("height") to frame.getInt("row_stride")
            image.reshape(frame.getInt("width"), height, stride, frame.getInt("rotation"))
            pixels.copyInto(image.pixels, 0, start, start + stride * (height - 1) + image.width)
            start += stride * height
            val face = ByteArray(FACE_SIZE * FACE_SIZE)
            cutter.cut(
                image, frame.getInt("left"), frame.getInt("top"), frame.getInt("size"), frame.getInt("angle"), face,
            )
            face
        }
    }

    /** The faces as the model wants them. */
    private fun preparedFaces(): List<ByteArray> {
        val stretch = ContrastStretch().takeIf { ModelCard.of(asset("expressions.tflite")).stretchesContrast }
        return facesOfFrames().onEach { stretch?.apply(it) }
    }

    private fun classifier(threads: Int) =
        asset("expressions.tflite").let { TfliteClassifier(it, ModelCard.of(it), threads) }

    @Test
    fun `the faces that are cut out of frames, upright and turned, are Python's, bit for bit`() {
        val expected = golden("faces.bin")
        val faces = facesOfFrames()
        assertEquals(expected.size, faces.size * FACE_SIZE * FACE_SIZE)
        for ((i, face) in faces.withIndex()) {
            val start = i * FACE_SIZE * FACE_SIZE
            assertArrayEquals("face $i", expected.copyOfRange(start, start + face.size), face)
        }
    }

    @Test
    fun `the scores are Python's, bit for bit, with one thread and with two`() {
        val file = File(buildFolder, "golden/scores.bin")
        assumeTrue("Python with fer_larq is not here, so there are no scores to compare", file.isFile)
        val expected = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        val faces = preparedFaces()
        assertEquals(faces.size * 7, expected.limit())
        for (threads in 1..2) {
            classifier(threads).use { classifier ->
                val scores = FloatArray(7)
                for ((i, face) in faces.withIndex()) {
                    classifier.classify(face, scores)
                    for (k in scores.indices) {
                        val bits = expected.get(7 * i + k).toRawBits()
                        assertEquals("face $i, score $k", bits, scores[k].toRawBits())
                    }
                }
            }
        }
    }

    @Test
    fun `another face gets other scores`() {
        classifier(1).use { classifier ->
            val (one, other) = facesOfFrames().take(2).map { face ->
                FloatArray(7).also { classifier.classify(face, it) }
            }
            assertFalse(one.contentEquals(other))
        }
    }

    @Test
    fun `the delegate names its kernels and refuses what it does not have`() {
        val names = LceDelegate.kernels()
        assertEquals("portable", names.last())
        for (name in names) LceDelegate(1, name).use { assertEquals(name, it.kernel()) }
        val unknown = assertThrows(IllegalArgumentException::class.java) { LceDelegate(1, "abacus") }
        assertTrue(unknown.message!!, "abacus" in unknown.message!!)
        assertThrows(IllegalArgumentException::class.java) { LceDelegate(65, null) }
        val closed = LceDelegate().apply { close() }
        closed.close()
        assertThrows(IllegalStateException::class.java) { closed.nativeHandle }
    }

    @Test
    fun `opening and closing leaves nothing open`() {
        repeat(30) { classifier(2).close() }
        val threads = Thread.getAllStackTraces().size + File("/proc/self/task").list()!!.size
        repeat(30) { classifier(2).close() }
        val after = Thread.getAllStackTraces().size + File("/proc/self/task").list()!!.size
        assertTrue("$threads threads, then $after", after <= threads + 10)
    }

    @Test
    fun `a model that takes no face is refused`() {
        val card = ModelCard.of(asset("expressions.tflite"))
        assertThrows(IllegalArgumentException::class.java) {
            TfliteClassifier(asset("faces.tflite"), card, 1)
        }
    }

    private fun openDetector() = FaceSearch(BlazeFace(asset("faces.tflite"), 1), System::nanoTime)

    /** The photograph, turned by [turn] degrees, and what Python finds in it. */
    private class Photograph(folder: File, expected: JSONObject) {
        val turn = expected.getInt("turn")
        val width = expected.getInt("width")
        val height = expected.getInt("height")
        val grey = File(folder, "picture$turn.grey").readBytes()
        val angle = expected.getInt("angle")
        val left = expected.getDouble("left")
        val top = expected.getDouble("top")
        val size = expected.getDouble("size")
        val expression: String = expected.getString("expression")
    }

    private fun photograph() = photographs().first()

    private fun photographs(): List<Photograph> {
        val folder = File(buildFolder, "golden")
        val isHere = File(folder, "picture.json").isFile
        assumeTrue("scikit-image is not here, so there is no photograph", isHere)
        val expected = JSONArray(File(folder, "picture.json").readText())
        return List(expected.length()) { Photograph(folder, expected.getJSONObject(it)) }
    }

    @Test
    fun `the face of a photograph is found where Python finds it, however the sensor lies`() {
        val photograph = photograph()
        val image = LumaImage()
        val faces = FaceBoxes()
        openDetector().use { detector ->
            for (rotation in 0..270 step 90) {
                turnBack(photograph.grey, photograph.width, photograph.height, rotation, image)
                detector.find(image, faces)
                assertEquals("turned by $rotation", 1, faces.count)
                val tolerance = 0.03 * photograph.size
                assertEquals(photograph.size, faces.size[0].toDouble(), tolerance)
                assertEquals(photograph.left, faces.left[0].toDouble(), tolerance)
                assertEquals(photograph.top, faces.top[0].toDouble(), tolerance)
            }
        }
    }

    @Test
    fun `the analyzer says of a photograph what Python says, however it is turned`() {
        val image = LumaImage()
        val card = ModelCard.of(asset("expressions.tflite"))
        FaceAnalyzer(openDetector(), classifier(1), card).use { analyzer ->
            for (photograph in photographs()) {
                turnBack(photograph.grey, photograph.width, photograph.height, 0, image)
                val face = analyzer.analyze(image).single()
                val turn = "turned by ${photograph.turn}: ${face.box}"
                assertEquals(turn, photograph.expression, analyzer.labels[face.best])
                assertEquals(1f, face.probabilities.sum(), 1e-5f)
                assertEquals(turn, 0, Math.floorMod(face.box.angle - photograph.angle + 4, 360) / 9)
                val tolerance = 0.03 * photograph.size
                assertEquals(turn, photograph.size, face.box.size.toDouble(), tolerance)
                assertEquals(turn, photograph.left, face.box.left.toDouble(), tolerance)
                assertEquals(turn, photograph.top, face.box.top.toDouble(), tolerance)
            }
        }
    }

    @Test
    fun `a turned face is followed in a stream, and stays turned`() {
        val photograph = photographs().single { it.turn == 40 }
        val image = LumaImage()
        turnBack(photograph.grey, photograph.width, photograph.height, 90, image)
        val faces = FaceBoxes()
        openDetector().use { detector ->
            var frame = 0
            do detector.findNext(image, faces) while (faces.count == 0 && ++frame < 15)
            repeat(10) {
                assertEquals(1, faces.count)
                assertEquals(photograph.angle.toDouble(), faces.angle[0].toDouble(), 5.0)
                detector.findNext(image, faces)
            }
        }
    }

    @Test
    fun `a face of 60 pixels in a frame of 640 x 480 is found within a second of slow frames`() {
        val photograph = photograph()
        val small = shrunk(photograph, size = 60)
        val faces = FaceBoxes()
        openDetector().use { detector ->
            for ((x, y) in listOf(10 to 30, 250 to 200, 420 to 90, 120 to 330)) {
                val image = LumaImage()
                image.reshape(640, 480, 640, rotation = 0)
                val random = Random(7)
                for (i in image.pixels.indices) image.pixels[i] = (110 + random.nextInt(12)).toByte()
                small.placeIn(image, x, y)
                detector.reset()
                var frame = 0
                do detector.findNext(image, faces) while (faces.count == 0 && ++frame < 15)
                assertEquals("at $x, $y", 1, faces.count)
                assertEquals(60.0, faces.size[0].toDouble(), 8.0)
                repeat(20) { // and it stays
                    detector.findNext(image, faces)
                    assertEquals(1, faces.count)
                }
            }
        }
    }

    private class Patch(val width: Int, val height: Int, val pixels: ByteArray) {
        fun placeIn(image: LumaImage, left: Int, top: Int) {
            for (y in 0 until minOf(height, image.height - top)) {
                for (x in 0 until minOf(width, image.width - left)) {
                    image.pixels[(top + y) * image.rowStride + left + x] = pixels[y * width + x]
                }
            }
        }
    }

    /** The photograph, so small that its face has [size] pixels. */
    private fun shrunk(photograph: Photograph, size: Int): Patch {
        val image = LumaImage()
        turnBack(photograph.grey, photograph.width, photograph.height, 0, image)
        val width = (photograph.width * size / photograph.size).toInt()
        val height = (photograph.height * size / photograph.size).toInt()
        val pixels = ByteArray(width * height)
        AreaReduction().reduce(image, 0, 0, photograph.width, photograph.height, pixels, width, height)
        return Patch(width, height, pixels)
    }

    /** Fills [image] as a sensor would that must be turned by [rotation] degrees to stand upright. */
    private fun turnBack(upright: ByteArray, width: Int, height: Int, rotation: Int, image: LumaImage) {
        val (across, down) = if (rotation % 180 == 0) width to height else height to width
        image.reshape(across, down, across, rotation)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val at = when (rotation) {
                    0 -> y * across + x
                    90 -> (down - 1 - x) * across + y
                    180 -> (down - 1 - y) * across + across - 1 - x
                    else -> x * across + across - 1 - y
                }
                image.pixels[at] = upright[y * width + x]
            }
        }
    }

    @Test
    fun `the real networks cost a frame no memory to speak of`() {
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val image = LumaImage()
        image.reshape(640, 480, 640, rotation = 90)
        val faces = FaceBoxes()
        val face = ByteArray(FACE_SIZE * FACE_SIZE)
        val scores = FloatArray(7)
        val frames = 100
        openDetector().use { detector ->
            classifier(1).use { classifier ->
                fun read() {
                    detector.findNext(image, faces)
                    classifier.classify(face, scores)
                }
                repeat(frames) { read() }
                val start = threads.getThreadAllocatedBytes(Thread.currentThread().id)
                repeat(frames) { read() }
                val bytes = (threads.getThreadAllocatedBytes(Thread.currentThread().id) - start) / frames
                // TensorFlow Lite makes some small objects for each of some 20 calls; a picture has 300 KB.
                assertTrue("$bytes bytes a frame", bytes < 40_000)
            }
        }
    }

    @Test
    fun `the detector finds no face in noise and none in an even grey`() {
        val image = LumaImage()
        image.reshape(640, 480, 640, rotation = 90)
        val faces = FaceBoxes()
        openDetector().use { detector ->
            Random(0).nextBytes(image.pixels)
            detector.find(image, faces)
            assertEquals(0, faces.count)
            image.pixels.fill(127)
            detector.find(image, faces)
            assertEquals(0, faces.count)
        }
    }
}
