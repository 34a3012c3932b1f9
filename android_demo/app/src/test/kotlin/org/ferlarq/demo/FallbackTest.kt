package org.ferlarq.demo

import android.graphics.Bitmap
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.AssetNetworks
import org.ferlarq.demo.inference.CoreClassifier
import org.ferlarq.demo.inference.EyeFinder
import org.ferlarq.demo.inference.FACE_SIZE
import org.ferlarq.demo.inference.FaceBoxes
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.inference.PlatformFaceDetector
import org.ferlarq.demo.photo.PhotoState
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** A phone on which TensorFlow Lite's library does not load, as some with pages of 16 KiB. */
class FallbackTest : AppTest() {
    private val networks = AssetNetworks(application.assets) {
        throw UnsatisfiedLinkError("program alignment (4096) cannot be smaller than system page size (16384)")
    }

    private fun golden(name: String) = javaClass.getResourceAsStream("/golden/$name")!!.readBytes()

    @Test
    fun `the golden faces get Python's scores, bit for bit`() {
        val file = File(buildFolder, "golden/scores.bin")
        assumeTrue("Python with fer_larq is not here, so there are no scores to compare", file.isFile)
        val expected = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        val card = networks.readCard()
        val faces = golden(if (card.stretchesContrast) "stretched.bin" else "faces.bin")
        networks.openClassifier(card, threads = 2).use { classifier ->
            assertTrue(classifier is CoreClassifier)
            val scores = FloatArray(7)
            for (i in 0 until faces.size / (FACE_SIZE * FACE_SIZE)) {
                classifier.classify(faces.copyOfRange(i * FACE_SIZE * FACE_SIZE, (i + 1) * FACE_SIZE * FACE_SIZE), scores)
                for (k in scores.indices) {
                    assertEquals("face $i, score $k", expected.get(7 * i + k).toRawBits(), scores[k].toRawBits())
                }
            }
        }
    }

    @Test
    fun `a photo and the camera work, with the platform's face detector`() {
        foundations.networks = networks
        start()
        click(R.id.tab_photo)
        choose(jpeg()) // no face: Robolectric's own detector finds none
        assertTrue("$photo", photo is PhotoState.Failed || photo is PhotoState.Analyzed)
        assertTrue(networks.openDetector(1) is PlatformFaceDetector)
    }

    @Test
    fun `a face is framed by its eyes, and lies in the image`() {
        var seen: Bitmap? = null
        val eyes = EyeFinder { picture, found ->
            seen = picture
            found(picture.width / 2f, picture.height / 3f, picture.width / 8f)
        }
        val image = LumaImage()
        image.reshape(640, 480, 640, rotation = 90)
        val faces = FaceBoxes()
        PlatformFaceDetector(eyes).findNext(image, faces)
        assertEquals(Bitmap.Config.RGB_565, seen!!.config)
        assertEquals(240 to 320, seen!!.width to seen!!.height)
        assertEquals(1, faces.count)
        assertEquals(161, faces.size[0]) // 2.68 times 60
        assertEquals((480 - 161) / 2f, faces.left[0].toFloat(), 1f)
        assertEquals(640 / 3f - 0.4f * 161, faces.top[0].toFloat(), 2f)
    }

    @Test
    fun `a damaged model is a sentence, whatever its bytes`() {
        val card = networks.readCard()
        for (size in listOf(0, 7, 8, 1000, 100_000)) {
            val model = ByteBuffer.allocateDirect(size)
            val whole = asset("expressions.tflite")
            for (i in 0 until size) model.put(i, whole.get(i))
            val error = assertThrows(IllegalArgumentException::class.java) { CoreClassifier(model, card) }
            assertTrue(error.message!!.isNotBlank())
        }
        assertThrows(IllegalArgumentException::class.java) { CoreClassifier(asset("faces.tflite"), card) }
    }
}
