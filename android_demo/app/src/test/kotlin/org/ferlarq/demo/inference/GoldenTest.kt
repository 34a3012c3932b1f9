package org.ferlarq.demo.inference

import java.io.File
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.random.Random
import org.ferlarq.demo.asset
import org.ferlarq.demo.buildFolder
import org.ferlarq.demo.image.AreaReduction
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
        val reduction = AreaReduction()
        var start = 0
        return List(frames.length()) {
            val frame = frames.getJSONObject(it)
            val (height, stride) = frame.getInt("height") to frame.getInt("row_stride")
            image.reshape(frame.getInt("width"), height, stride, frame.getInt("rotation"))
            pixels.copyInto(image.pixels, 0, start, start + stride * (height - 1) + image.width)
            start += stride * height
            val size = frame.getInt("size")
            val face = ByteArray(FACE_SIZE * FACE_SIZE)
            reduction.reduce(
                image, frame.getInt("left"), frame.getInt("top"), size, size, face, FACE_SIZE, FACE_SIZE,
            )
            face
        }
    }

    private fun classifier(threads: Int) =
        asset("expressions.tflite").let { TfliteClassifier(it, ModelCard.of(it), threads) }

    @Test
    fun `the faces that are cut out of frames are Python's, bit for bit`() {
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
        val faces = facesOfFrames()
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

    @Test
    fun `the detector finds the face of a photograph where Python does, however the sensor lies`() {
        val file = File(buildFolder, "golden/picture.json")
        assumeTrue("scikit-image is not here, so there is no photograph", file.isFile)
        val expected = JSONObject(file.readText())
        val (width, height) = expected.getInt("width") to expected.getInt("height")
        val upright = File(buildFolder, "golden/picture.grey").readBytes()
        val image = LumaImage()
        val faces = FaceBoxes()
        BlazeFaceDetector(asset("faces.tflite"), 1).use { detector ->
            for (rotation in 0..270 step 90) {
                turnBack(upright, width, height, rotation, image)
                detector.detect(image, faces)
                assertEquals("turned by $rotation", 1, faces.count)
                // The picture is made smaller in another way than Python's.
                val tolerance = 0.04 * expected.getInt("size")
                assertEquals(expected.getDouble("size"), faces.size[0].toDouble(), tolerance)
                assertEquals(expected.getDouble("left"), faces.left[0].toDouble(), tolerance)
                assertEquals(expected.getDouble("top"), faces.top[0].toDouble(), tolerance)
            }
        }
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
        BlazeFaceDetector(asset("faces.tflite"), 1).use { detector ->
            classifier(1).use { classifier ->
                fun read() {
                    detector.detect(image, faces)
                    classifier.classify(face, scores)
                }
                repeat(frames) { read() }
                val start = threads.getThreadAllocatedBytes(Thread.currentThread().id)
                repeat(frames) { read() }
                val bytes = (threads.getThreadAllocatedBytes(Thread.currentThread().id) - start) / frames
                // TensorFlow Lite makes some small objects for each call; a picture has 300 KB.
                assertTrue("$bytes bytes a frame", bytes < 2000)
            }
        }
    }

    @Test
    fun `the detector finds no face in noise and none in an even grey`() {
        val image = LumaImage()
        image.reshape(640, 480, 640, rotation = 90)
        val faces = FaceBoxes()
        BlazeFaceDetector(asset("faces.tflite"), 1).use { detector ->
            Random(0).nextBytes(image.pixels)
            detector.detect(image, faces)
            assertEquals(0, faces.count)
            image.pixels.fill(127)
            detector.detect(image, faces)
            assertEquals(0, faces.count)
        }
    }
}
