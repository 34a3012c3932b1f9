package org.ferlarq.demo.ui

import android.graphics.RectF
import org.ferlarq.demo.inference.FaceBoxes.Companion.MAX_FACES
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class LabelPlacesTest {
    @Test
    fun `labels of neighbouring faces stand apart, inside the image`() {
        val image = RectF(10f, 20f, 490f, 660f)
        val places = LabelPlaces(MAX_FACES)
        for (step in listOf(0f, 30f, 60f, 80f)) { // faces on one another, beside one another, apart
            places.clear(image)
            repeat(MAX_FACES) { places.add(10f + step * it % 420, 300f + step / 2 * it, 60f, 90f, 24f) }
            val apart = places.arrange()
            assertEquals("$step", step > 0f, apart) // around one face there are less than eight places
            for (i in 0 until MAX_FACES) {
                assertTrue("$step: label $i", image.contains(places.label(i)))
                if (!apart) continue
                for (j in 0 until i) {
                    assertFalse("$step: labels $i and $j", RectF.intersects(places.label(i), places.label(j)))
                }
            }
        }
    }
}
